internal import COpenSSL
import FoundationEssentials
internal import OpenSSL

/// Whoever may issue certificates of the fleet: an issuing certificate with its key, below the fleet's root.
///
/// The root vouches for issuing certificates alone and is kept off the machine; members trust it, so that an issuing
/// certificate can be replaced without a visit to any of them. May be used from several threads.
public struct FleetAuthority: Sendable {
    static let rootLife: Int64 = 20 * 365 * 86_400
    static let issuingLife: Int64 = 5 * 365 * 86_400

    /// PEM.
    public let root: String
    /// SHA-256 of the root's DER, in lower-case hexadecimal: what tokens carry.
    public let fingerprint: String
    /// PEM.
    let issuingCertificate: String
    private let issuingKey: String
    /// When the issuing certificate ends.
    public let notAfter: Timestamp

    /// Checks that the three belong together.
    public init(issuingCertificate: String, issuingKey: String, root: String) throws(FleetIdentityError) {
        let rootCertificate = try PEMText.certificate(root, "the fleet's root certificate")
        let issuing = try PEMText.certificate(issuingCertificate, "the issuing certificate")
        guard rootCertificate.isSelfSigned else {
            throw FleetIdentityError("the fleet's root certificate is not signed by itself: it is no root")
        }
        guard issuing.isAuthority else {
            throw FleetIdentityError("the issuing certificate is not one of an authority")
        }
        let key = try IdentityKey.read(issuingKey)
        guard issuing.belongs(to: key) else {
            throw FleetIdentityError("the issuing key does not belong to the issuing certificate")
        }
        try PEMText.check(
            [try PEMText.text(issuing)], under: rootCertificate, purpose: X509_PURPOSE_ANY,
            "the issuing certificate does not come from the fleet's root")
        guard let end = issuing.notAfter else {
            throw FleetIdentityError("the issuing certificate has a date that cannot be read")
        }
        self.root = try PEMText.text(rootCertificate)
        self.issuingCertificate = try PEMText.text(issuing)
        self.issuingKey = issuingKey
        notAfter = Timestamp(seconds: end)
        fingerprint = try openSSL("the fleet's root certificate cannot be digested") { () throws(OpenSSLFailure) in
            Hexadecimal.lower(try rootCertificate.fingerprint())
        }
    }

    /// Issues a certificate for the request's key.
    /// - Parameters:
    ///   - roles: what it entitles to; one at least.
    ///   - commonName: for people: 1 to 64 letters, digits, `.`, `_`, `-`.
    ///   - names: DNS names and IP addresses that a server is reached by.
    ///   - lifetime: from `now`, and never beyond the issuing certificate's.
    public func issue(
        _ roles: [FleetRole], to request: SigningRequest, commonName: String, names: [String] = [],
        lifetime: Duration, at now: Timestamp = .now()
    ) throws(FleetIdentityError) -> IssuedCertificate {
        guard !roles.isEmpty else { throw FleetIdentityError("a certificate without a role is of no use") }
        // The subject is looked into for the serial number: nothing in a name may look like one.
        guard FleetRole.isName(commonName) else {
            throw FleetIdentityError(
                "a certificate's name has 1 to 64 letters, digits, '.', '_' and '-', and this one has others")
        }
        guard now < notAfter else {
            throw FleetIdentityError(
                "the issuing certificate of the fleet ended on \(notAfter): a new one has to be made with the root's key"
            )
        }
        let alternatives =
            try names.map { name throws(FleetIdentityError) in try Self.alternative(name) }
            + roles.map { "URI:\($0)" }
        let begin = now.milliseconds / 1000
        let life = max(1, lifetime.wholeMilliseconds / 1000)
        let (wanted, overflow) = begin.addingReportingOverflow(life)
        let end = min(overflow ? .max : wanted, notAfter.milliseconds / 1000)
        let issuing = try PEMText.certificate(issuingCertificate, "the issuing certificate")
        let key = try IdentityKey.read(issuingKey)
        return try openSSL("the certificate could not be issued") { () throws(OpenSSLFailure) in
            let publicKey = try succeeding { () -> OpaquePointer? in
                request.publicKey.withUnsafeBufferPointer { bytes in
                    var start = bytes.baseAddress
                    return d2i_PUBKEY(nil, &start, bytes.count)
                }
            }
            defer { EVP_PKEY_free(publicKey) }
            let builder = try CertificateBuilder(
                commonName: commonName, notBefore: begin - CertificateBuilder.leeway, notAfter: end, key: publicKey)
            let serial = builder.serial
            try builder.add("serialNumber", serial)
            let leaf = try builder.signed(
                by: key, issuer: issuing.raw, extensions: CertificateBuilder.leafExtensions(names: alternatives))
            // Whoever has only a token reads the root from what the server shows.
            let isServer = roles.contains(.server)
            return IssuedCertificate(
                pem: String(decoding: try leaf.pem(), as: UTF8.self) + issuingCertificate + (isServer ? root : ""),
                serial: serial, notBefore: Timestamp(seconds: begin - CertificateBuilder.leeway),
                notAfter: Timestamp(seconds: end))
        }
    }

    private static func alternative(_ name: String) throws(FleetIdentityError) -> String {
        if NetworkName.isAddress(name) { return "IP:\(name)" }
        if NetworkName.isHost(name) { return "DNS:\(name)" }
        throw FleetIdentityError("'\(NetworkName.printable(name))' is neither a DNS name nor an IP address")
    }
}

public struct IssuedCertificate: Sendable, Equatable {
    /// PEM: the certificate, the issuing one, and behind a server's the root.
    public var pem: String
    /// In upper-case hexadecimal; also in the certificate's subject.
    public var serial: String
    public var notBefore: Timestamp
    public var notAfter: Timestamp
}
