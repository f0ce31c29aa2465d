internal import COpenSSL
internal import FoundationEssentials
internal import OpenSSL

extension PublicKey {
    /// Bits.
    static let leastRSAModulus = 2048

    /// Whether `signature` is this key's over `content`; false also where the key or the signature is malformed, or the
    /// scheme unknown (EVP_DigestVerify(3)).
    public func verifies(_ signature: [UInt8], over content: [UInt8]) -> Bool {
        guard let scheme, let key = try? VerifyingKey.read(value, scheme), let context = EVP_MD_CTX_new() else {
            return false
        }
        defer {
            EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        var parameters: OpaquePointer?
        let digest = scheme == .ed25519 ? nil : EVP_sha256()
        guard EVP_DigestVerifyInit(context, &parameters, digest, nil, key.raw) == 1 else { return false }
        if scheme == .rsaPSS {
            // Whatever length of salt the signer took (RFC 8017 section 9.1.2).
            guard EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1,
                EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) == 1,
                EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_AUTO) == 1
            else { return false }
        }
        return EVP_DigestVerify(context, signature, signature.count, content, content.count) == 1
    }

    /// Whether both are one key, however each is written: hexadecimal has two cases, and PEM any length of line
    /// (EVP_PKEY_eq(3)).
    func isSameKey(as other: PublicKey) -> Bool {
        if value == other.value { return true }
        guard let scheme, let otherScheme = other.scheme, let key = try? VerifyingKey.read(value, scheme),
            let otherKey = try? VerifyingKey.read(other.value, otherScheme)
        else { return false }
        defer { ERR_clear_error() }
        return EVP_PKEY_eq(key.raw, otherKey.raw) == 1
    }

    /// Why it cannot verify anything; nil: it can. For a person who adds a key.
    public var weakness: String? {
        guard let scheme else { return "its type \(keyType) with the scheme \(schemeName) is not known" }
        do throws(OpenSSLFailure) {
            _ = try VerifyingKey.read(value, scheme)
            return nil
        } catch {
            return error.sentence
        }
    }
}

/// A public key as OpenSSL holds it.
private struct VerifyingKey: ~Copyable {
    let raw: OpaquePointer

    deinit { EVP_PKEY_free(raw) }

    private init(owning raw: OpaquePointer) { self.raw = raw }

    static func read(_ value: String, _ scheme: SignatureScheme) throws(OpenSSLFailure) -> VerifyingKey {
        if scheme == .ed25519 {
            guard let bytes = Hexadecimal.bytes(value), bytes.count == 32 else {
                throw OpenSSLFailure(reasons: ["the key is not 32 bytes in hexadecimal"])
            }
            return VerifyingKey(
                owning: try succeeding { EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count) })
        }
        let pem = try MemoryBIO(Data(value.utf8))
        let source = pem.raw
        let key = VerifyingKey(owning: try succeeding { PEM_read_bio_PUBKEY(source, nil, refusePassword, nil) })
        if let trouble = scheme == .rsaPSS ? key.troubleOfRSA : key.troubleOfP256 {
            throw OpenSSLFailure(reasons: [trouble])
        }
        return key
    }

    private var troubleOfRSA: String? {
        guard EVP_PKEY_get_base_id(raw) == EVP_PKEY_RSA else { return "the key is no RSA key" }
        guard EVP_PKEY_get_bits(raw) >= PublicKey.leastRSAModulus else {
            return "the key has less than \(PublicKey.leastRSAModulus) bits"
        }
        return nil
    }

    private var troubleOfP256: String? {
        var name = [CChar](repeating: 0, count: 64)
        var length = 0
        guard EVP_PKEY_get_base_id(raw) == EVP_PKEY_EC,
            EVP_PKEY_get_group_name(raw, &name, name.count, &length) == 1,
            name.prefix(length).elementsEqual("prime256v1".utf8.map { CChar($0) })
        else { return "the key is not on the curve P-256" }
        return nil
    }
}
