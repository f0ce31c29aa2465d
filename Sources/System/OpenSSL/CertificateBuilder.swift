internal import COpenSSL

/// An X.509 certificate of version 3 while it is made (RFC 5280): a random serial number, a subject, its dates and a
/// public key first; then what its authority adds, and the signature.
package struct CertificateBuilder: ~Copyable {
    /// A clock that is a little behind must not refuse a fresh certificate: seconds.
    package static let leeway: Int64 = 3600

    private let made: Certificate
    /// In upper-case hexadecimal, as it is printed everywhere.
    package let serial: String

    /// - Parameters:
    ///   - commonName: cut to the 64 bytes that the attribute may have.
    ///   - notBefore, notAfter: seconds since 1970.
    ///   - key: an EVP_PKEY of which the public half is certified.
    package init(
        commonName: String, notBefore: Int64, notAfter: Int64, key: OpaquePointer
    ) throws(OpenSSLFailure) {
        let made = Certificate(owning: try succeeding { X509_new() })
        let raw = made.raw
        try succeeding { X509_set_version(raw, 2) }
        let number = try succeeding { BN_new() }
        defer { BN_free(number) }
        // 20 octets at most and positive, by RFC 5280 section 4.1.2.2.
        try succeeding { BN_rand(number, 159, -1, 0) }
        _ = try succeeding { BN_to_ASN1_INTEGER(number, X509_get_serialNumber(raw)) }
        var octets = [UInt8](repeating: 0, count: 20)
        let count = Int(BN_bn2bin(number, &octets))
        _ = try succeeding { ASN1_TIME_set(X509_getm_notBefore(raw), Int(notBefore)) }
        _ = try succeeding { ASN1_TIME_set(X509_getm_notAfter(raw), Int(notAfter)) }
        try succeeding { X509_set_pubkey(raw, key) }
        try Self.add("CN", Self.cut(commonName), to: raw)
        serial = Hexadecimal.upper(octets.prefix(count))
        self.made = made
    }

    /// Adds an attribute to the subject, behind those that are there.
    package func add(_ attribute: String, _ value: String) throws(OpenSSLFailure) {
        try Self.add(attribute, value, to: made.raw)
    }

    private static func add(
        _ attribute: String, _ value: String, to certificate: OpaquePointer
    ) throws(OpenSSLFailure) {
        let subject = try succeeding { X509_get_subject_name(certificate) }
        let bytes = Array(value.utf8)
        try succeeding {
            X509_NAME_add_entry_by_txt(subject, attribute, cossl_utf8_string, bytes, CInt(bytes.count), -1, 0)
        }
    }

    /// Adds extensions, as X509V3_EXT_conf_nid(3) reads them, and signs.
    /// - Parameter issuer: nil: the certificate is its own issuer.
    package consuming func signed(
        by issuerKey: borrowing PrivateKey, issuer: OpaquePointer?, extensions: [(kind: CInt, value: String)]
    ) throws(OpenSSLFailure) -> Certificate {
        let (raw, keyRaw) = (made.raw, issuerKey.raw)
        let issuer = issuer ?? raw
        try succeeding { X509_set_issuer_name(raw, X509_get_subject_name(issuer)) }
        var context = X509V3_CTX()
        X509V3_set_ctx(&context, issuer, raw, nil, nil, 0)
        for (kind, value) in extensions {
            let made = try succeeding { X509V3_EXT_conf_nid(nil, &context, kind, value) }
            defer { X509_EXTENSION_free(made) }
            try succeeding { X509_add_ext(raw, made, -1) }
        }
        // X509_sign answers the signature's size.
        try succeeding { () -> CInt in X509_sign(raw, keyRaw, EVP_sha256()) > 0 ? 1 : 0 }
        return made
    }

    /// What a certificate of a host, a person or a machine has, whoever issues it.
    /// - Parameter names: `DNS:ws-17`, `IP:192.0.2.7`, `URI:muster:server`. A comma begins the next: none may be within
    ///   one.
    package static func leafExtensions(names: [String]) throws(OpenSSLFailure) -> [(kind: CInt, value: String)] {
        if let bad = names.first(where: { !$0.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x2C } }) {
            throw OpenSSLFailure(reasons: ["'\(bad)' cannot be a name of a certificate"])
        }
        return [
            (NID_basic_constraints, "critical,CA:FALSE"),
            (NID_key_usage, "critical,digitalSignature"),
            (NID_ext_key_usage, "serverAuth,clientAuth"),
            (NID_subject_alt_name, names.joined(separator: ",")),
            (NID_subject_key_identifier, "hash"),
            (NID_authority_key_identifier, "keyid"),
        ]
    }

    /// What an authority's certificate has.
    /// - Parameter pathLength: how many authorities may be below it.
    package static func authorityExtensions(
        pathLength: Int, hasIssuer: Bool
    ) -> [(kind: CInt, value: String)] {
        [
            (NID_basic_constraints, "critical,CA:TRUE,pathlen:\(pathLength)"),
            (NID_key_usage, "critical,keyCertSign,cRLSign"),
            (NID_subject_key_identifier, "hash"),
        ] + (hasIssuer ? [(NID_authority_key_identifier, "keyid")] : [])
    }

    /// Within 64 bytes, and never within a character.
    private static func cut(_ name: String) -> String {
        var cut = name
        while cut.utf8.count > 64 { cut.removeLast() }
        return cut
    }
}
