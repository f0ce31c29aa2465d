internal import COpenSSL
package import FoundationEssentials

/// A private key.
package struct PrivateKey: ~Copyable {
    package let raw: OpaquePointer

    package init(owning raw: OpaquePointer) { self.raw = raw }

    deinit { EVP_PKEY_free(raw) }

    /// The first private key of a PEM text. One that is encrypted is a failure: nobody is there to be asked.
    package init(pem: Data) throws(OpenSSLFailure) {
        try self.init(in: try MemoryBIO(pem))
    }

    /// The next private key of a PEM text.
    package init(in bio: borrowing MemoryBIO) throws(OpenSSLFailure) {
        let source = bio.raw
        raw = try succeeding { PEM_read_bio_PrivateKey(source, nil, refusePassword, nil) }
    }

    /// A new one on the curve P-256 (FIPS 186-4), which every client knows.
    package static func make() throws(OpenSSLFailure) -> PrivateKey {
        let context = try succeeding { EVP_PKEY_CTX_new_from_name(nil, "EC", nil) }
        defer { EVP_PKEY_CTX_free(context) }
        try succeeding { EVP_PKEY_keygen_init(context) }
        try succeeding { EVP_PKEY_CTX_set_group_name(context, "prime256v1") }
        var key: OpaquePointer?
        try succeeding { EVP_PKEY_generate(context, &key) }
        guard let key else { throw OpenSSLFailure.take() }
        return PrivateKey(owning: key)
    }

    /// A new one of a kind that needs no more than a size (EVP_PKEY_CTX_new_from_name(3)): `ED25519`, `RSA`.
    /// - Parameter bits: of the modulus of RSA; otherwise it does not matter.
    package static func make(_ kind: String, bits: Int) throws(OpenSSLFailure) -> PrivateKey {
        let context = try succeeding { EVP_PKEY_CTX_new_from_name(nil, kind, nil) }
        defer { EVP_PKEY_CTX_free(context) }
        try succeeding { EVP_PKEY_keygen_init(context) }
        if kind == "RSA" { try succeeding { EVP_PKEY_CTX_set_rsa_keygen_bits(context, CInt(bits)) } }
        var key: OpaquePointer?
        try succeeding { EVP_PKEY_generate(context, &key) }
        guard let key else { throw OpenSSLFailure.take() }
        return PrivateKey(owning: key)
    }

    /// PKCS #8.
    package func pem() throws(OpenSSLFailure) -> Data {
        let bio = try MemoryBIO()
        let (raw, target) = (raw, bio.raw)
        try succeeding { PEM_write_bio_PKCS8PrivateKey(target, raw, nil, nil, 0, nil, nil) }
        return bio.contents()
    }
}

/// OpenSSL would ask at the terminal otherwise.
package let refusePassword:
    @convention(c) (UnsafeMutablePointer<CChar>?, CInt, CInt, UnsafeMutableRawPointer?) -> CInt =
        { _, _, _, _ in -1 }
