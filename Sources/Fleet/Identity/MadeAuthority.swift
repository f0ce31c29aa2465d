internal import COpenSSL
import FoundationEssentials
internal import OpenSSL

/// A new fleet's authority; all PEM. The root's key issues nothing from day to day: it belongs off the machine.
public struct MadeAuthority: Sendable {
    public var rootCertificate: String
    public var rootKey: String
    public var issuingCertificate: String
    public var issuingKey: String
}

extension FleetAuthority {
    /// The name of the fleet that a root certificate is of.
    public static func fleetName(ofRoot pem: String) throws(FleetIdentityError) -> String {
        let root = try PEMText.certificate(pem, "the fleet's root certificate")
        guard let name = root.organization, FleetRole.isName(name) else {
            throw FleetIdentityError("the fleet's root certificate does not say which fleet it is of")
        }
        return name
    }

    /// When a certificate ends.
    public static func notAfter(of pem: String) throws(FleetIdentityError) -> Timestamp {
        guard let end = try PEMText.certificate(pem, "the certificate").notAfter else {
            throw FleetIdentityError("the certificate has a date that cannot be read")
        }
        return Timestamp(seconds: end)
    }

    /// - Parameter fleet: its name, 1 to 64 letters, digits, `.`, `_`, `-`.
    public static func make(
        fleet: String, at now: Timestamp = .now()
    ) throws(FleetIdentityError) -> MadeAuthority {
        guard FleetRole.isName(fleet) else {
            throw FleetIdentityError("a fleet's name has 1 to 64 letters, digits, '.', '_' and '-'")
        }
        let begin = now.milliseconds / 1000
        return try openSSL("the fleet's authority could not be made") { () throws(OpenSSLFailure) in
            let rootKey = try PrivateKey.make()
            let issuingKey = try PrivateKey.make()
            let builder = try CertificateBuilder(
                commonName: "Muster root authority", notBefore: begin - CertificateBuilder.leeway,
                notAfter: begin + rootLife, key: rootKey.raw)
            try builder.add("O", fleet)
            let root = try builder.signed(
                by: rootKey, issuer: nil,
                extensions: CertificateBuilder.authorityExtensions(pathLength: 1, hasIssuer: false))
            let issuingBuilder = try CertificateBuilder(
                commonName: "Muster issuing authority", notBefore: begin - CertificateBuilder.leeway,
                notAfter: begin + issuingLife, key: issuingKey.raw)
            try issuingBuilder.add("O", fleet)
            let issuing = try issuingBuilder.signed(
                by: rootKey, issuer: root.raw,
                extensions: CertificateBuilder.authorityExtensions(pathLength: 0, hasIssuer: true))
            func text(_ bytes: Data) -> String { String(decoding: bytes, as: UTF8.self) }
            return MadeAuthority(
                rootCertificate: text(try root.pem()), rootKey: text(try rootKey.pem()),
                issuingCertificate: text(try issuing.pem()), issuingKey: text(try issuingKey.pem()))
        }
    }
}
