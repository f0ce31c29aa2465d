internal import COpenSSL
internal import ControlProtocol
internal import FoundationEssentials
internal import OpenSSL

/// Makes the certificate of a host that was given none: by an authority of its own, so that clients can be told once whom
/// to trust and the certificate can be renewed (RFC 5280).
enum CertificateMaker {
    private static let authorityYears = 10
    /// Clients of some vendors refuse certificates that are valid for longer.
    private static let hostDays = 397
    /// A clock that is a little behind must not refuse a fresh certificate.
    private static let leeway = 3600

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
        let issuerRaw = issuer.raw
        let made = try blank(order.names.first ?? "localhost", days: hostDays, key: key)
        let raw = made.raw
        try succeeding { X509_set_issuer_name(raw, X509_get_subject_name(issuerRaw)) }
        let alternatives = try alternativeNames(of: order)
        try extend(
            made, issuer: issuerRaw,
            [
                (NID_basic_constraints, "critical,CA:FALSE"),
                (NID_key_usage, "critical,digitalSignature"),
                (NID_ext_key_usage, "serverAuth,clientAuth"),
                (NID_subject_alt_name, alternatives),
                (NID_subject_key_identifier, "hash"),
                (NID_authority_key_identifier, "keyid"),
            ])
        try sign(made, by: issuerKey)
        return MadeCertificate(certificate: try made.pem(), privateKey: try key.pem(), authority: authority)
    }

    /// As X509V3_EXT_conf_nid(3) reads it, where a comma begins the next name: none may be within one.
    private static func alternativeNames(of order: CertificateOrder) throws(OpenSSLFailure) -> String {
        let names =
            order.names.map { "DNS:\($0)" } + order.addresses.map { "IP:\($0)" } + order.uris.map { "URI:\($0)" }
        if let bad = names.first(where: { !$0.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x2C } }) {
            throw OpenSSLFailure(reasons: ["'\(bad)' cannot be a name of a certificate"])
        }
        return names.joined(separator: ",")
    }

    private static func makeAuthority(_ name: String) throws(OpenSSLFailure) -> CertificateOrder.Authority {
        let key = try PrivateKey.make()
        let made = try blank("Muster authority of \(name)", days: authorityYears * 365, key: key)
        let raw = made.raw
        try succeeding { X509_set_issuer_name(raw, X509_get_subject_name(raw)) }
        try extend(
            made, issuer: raw,
            [
                (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"),
                (NID_key_usage, "critical,keyCertSign,cRLSign"),
                (NID_subject_key_identifier, "hash"),
            ])
        try sign(made, by: key)
        return CertificateOrder.Authority(certificate: try made.pem(), privateKey: try key.pem())
    }

    /// A certificate of version 3 with a random serial number, a subject, its dates and its public key.
    private static func blank(
        _ commonName: String, days: Int, key: borrowing PrivateKey
    ) throws(OpenSSLFailure) -> Certificate {
        let made = Certificate(owning: try succeeding { X509_new() })
        let (raw, keyRaw) = (made.raw, key.raw)
        try succeeding { X509_set_version(raw, 2) }
        let number = try succeeding { BN_new() }
        defer { BN_free(number) }
        // 20 octets at most and positive, by RFC 5280 section 4.1.2.2.
        try succeeding { BN_rand(number, 159, -1, 0) }
        _ = try succeeding { BN_to_ASN1_INTEGER(number, X509_get_serialNumber(raw)) }
        _ = try succeeding { X509_gmtime_adj(X509_getm_notBefore(raw), -leeway) }
        _ = try succeeding { X509_gmtime_adj(X509_getm_notAfter(raw), days * 86_400) }
        let subject = try succeeding { X509_get_subject_name(raw) }
        // The attribute has an upper bound of 64 characters.
        let bytes = Array(commonName.utf8.prefix(64))
        try succeeding {
            X509_NAME_add_entry_by_txt(subject, "CN", cossl_utf8_string, bytes, CInt(bytes.count), -1, 0)
        }
        try succeeding { X509_set_pubkey(raw, keyRaw) }
        return made
    }

    private static func extend(
        _ certificate: borrowing Certificate, issuer: OpaquePointer, _ values: [(CInt, String)]
    ) throws(OpenSSLFailure) {
        let raw = certificate.raw
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, raw, nil, nil, 0)
        for (kind, value) in values {
            let made = try succeeding { X509V3_EXT_conf_nid(nil, &context, kind, value) }
            defer { X509_EXTENSION_free(made) }
            try succeeding { X509_add_ext(raw, made, -1) }
        }
    }

    private static func sign(
        _ certificate: borrowing Certificate, by key: borrowing PrivateKey
    ) throws(OpenSSLFailure) {
        let (raw, keyRaw) = (certificate.raw, key.raw)
        // X509_sign answers the signature's size.
        try succeeding { () -> CInt in X509_sign(raw, keyRaw, EVP_sha256()) > 0 ? 1 : 0 }
    }
}
