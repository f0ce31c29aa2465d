import COpenSSL
public import FoundationEssentials
import OpenSSL

/// Makes certificates of every kind that a test needs, also bad ones.
public struct TestIssuer: Sendable {
    /// A certificate and its key, PEM.
    public struct Identity: Sendable {
        public var certificate: Data
        public var privateKey: Data

        public init(certificate: Data, privateKey: Data) {
            self.certificate = certificate
            self.privateKey = privateKey
        }
    }

    public let certificate: Data
    private let privateKey: Data

    public init(_ name: String = "Test authority") throws {
        let made = try Self.make(name, names: [], days: -1...30, isAuthority: true, issuer: nil)
        (certificate, privateKey) = (made.certificate, made.privateKey)
    }

    /// - Parameters:
    ///   - names: `URI:muster:server`, `DNS:example.com`, `IP:127.0.0.1`: the SAN.
    ///   - days: from when to when it is valid, from today.
    public func issue(
        _ names: [String], commonName: String = "tested", days: ClosedRange<Int> = -1...30
    ) throws -> Identity {
        try Self.make(
            commonName, names: names, days: days, isAuthority: false,
            issuer: Identity(certificate: certificate, privateKey: privateKey))
    }

    private static func make(
        _ commonName: String, names: [String], days: ClosedRange<Int>, isAuthority: Bool, issuer: Identity?
    ) throws -> Identity {
        let key = try PrivateKey.make()
        let made = Certificate(owning: try succeeding { X509_new() })
        let (raw, keyRaw) = (made.raw, key.raw)
        try succeeding { X509_set_version(raw, 2) }
        try succeeding { ASN1_INTEGER_set(X509_get_serialNumber(raw), Int.random(in: 1...Int(Int32.max))) }
        _ = X509_gmtime_adj(X509_getm_notBefore(raw), days.lowerBound * 86_400)
        _ = X509_gmtime_adj(X509_getm_notAfter(raw), days.upperBound * 86_400)
        try succeeding {
            X509_NAME_add_entry_by_txt(
                X509_get_subject_name(raw), "CN", cossl_utf8_string, commonName, CInt(commonName.utf8.count), -1, 0)
        }
        try succeeding { X509_set_pubkey(raw, keyRaw) }
        let constraints = isAuthority ? "critical,CA:TRUE" : "critical,CA:FALSE"
        var extensions = [(NID_basic_constraints, constraints)]
        if !names.isEmpty { extensions.append((NID_subject_alt_name, names.joined(separator: ","))) }
        for (kind, value) in extensions {
            var context = X509V3_CTX()
            X509V3_set_ctx(&context, raw, raw, nil, nil, 0)
            let made = try succeeding { X509V3_EXT_conf_nid(nil, &context, kind, value) }
            defer { X509_EXTENSION_free(made) }
            try succeeding { X509_add_ext(raw, made, -1) }
        }
        if let issuer {
            guard let certificate = try Certificate.next(in: try MemoryBIO(issuer.certificate)) else {
                throw OpenSSLFailure(reasons: ["no issuer"])
            }
            let issuerRaw = certificate.raw
            let issuerKey = try PrivateKey(pem: issuer.privateKey)
            let issuerKeyRaw = issuerKey.raw
            try succeeding { X509_set_issuer_name(raw, X509_get_subject_name(issuerRaw)) }
            try succeeding { () -> CInt in X509_sign(raw, issuerKeyRaw, EVP_sha256()) > 0 ? 1 : 0 }
        } else {
            try succeeding { X509_set_issuer_name(raw, X509_get_subject_name(raw)) }
            try succeeding { () -> CInt in X509_sign(raw, keyRaw, EVP_sha256()) > 0 ? 1 : 0 }
        }
        return Identity(certificate: try made.pem(), privateKey: try key.pem())
    }
}
