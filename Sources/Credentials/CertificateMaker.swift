internal import ControlProtocol
internal import FoundationEssentials
internal import OpenSSL

/// Makes the certificate of a host that was given none: by an authority of its own, so that clients can be told once whom
/// to trust and the certificate can be renewed (RFC 5280).
enum CertificateMaker {
    private static let authorityYears: Int64 = 10
    /// Clients of some vendors refuse certificates that are valid for longer.
    private static let hostDays: Int64 = 397

    static func make(_ order: CertificateOrder) throws(OpenSSLFailure) -> MadeCertificate {
        let authority: CertificateOrder.Authority
        if let given = order.authority {
            authority = given
        } else {
            authority = try makeAuthority(order.names.first ?? "localhost")
        }
        let bio = try MemoryBIO(authority.certificate)
        guard let issuer = try Certificate.next(in: bio) else {
            throw OpenSSLFailure(reasons: ["the authority's file holds no certificate"])
        }
        let issuerKey = try PrivateKey(pem: authority.privateKey)
        let key = try PrivateKey.make()
        let names =
            order.names.map { "DNS:\($0)" } + order.addresses.map { "IP:\($0)" } + order.uris.map { "URI:\($0)" }
        let extensions = try CertificateBuilder.leafExtensions(names: names)
        let made = try blank(order.names.first ?? "localhost", days: hostDays, key: key)
            .signed(by: issuerKey, issuer: issuer.raw, extensions: extensions)
        return MadeCertificate(certificate: try made.pem(), privateKey: try key.pem(), authority: authority)
    }

    private static func makeAuthority(_ name: String) throws(OpenSSLFailure) -> CertificateOrder.Authority {
        let key = try PrivateKey.make()
        let made = try blank("Muster authority of \(name)", days: authorityYears * 365, key: key)
            .signed(
                by: key, issuer: nil,
                extensions: CertificateBuilder.authorityExtensions(pathLength: 0, hasIssuer: false))
        return CertificateOrder.Authority(certificate: try made.pem(), privateKey: try key.pem())
    }

    private static func blank(
        _ commonName: String, days: Int64, key: borrowing PrivateKey
    ) throws(OpenSSLFailure) -> CertificateBuilder {
        let now = Int64(Date().timeIntervalSince1970)
        return try CertificateBuilder(
            commonName: commonName, notBefore: now - CertificateBuilder.leeway, notAfter: now + days * 86_400,
            key: key.raw)
    }
}
