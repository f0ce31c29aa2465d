internal import COpenSSL
internal import FoundationEssentials
internal import OpenSSL

/// A private key that signs metadata. One thread at a time.
public final class SigningKey {
    public let publicKey: PublicKey
    public let scheme: SignatureScheme
    private let key: PrivateKey

    public var id: String { publicKey.id }

    /// A new one; RSA has 3072 bits.
    public static func make(_ scheme: SignatureScheme) throws(SigningFailure) -> SigningKey {
        do throws(OpenSSLFailure) {
            return try SigningKey(
                owning: scheme == .ecdsaP256
                    ? try PrivateKey.make() : try PrivateKey.make(scheme == .ed25519 ? "ED25519" : "RSA", bits: 3072),
                scheme)
        } catch {
            throw SigningFailure("OpenSSL could not make a key: \(error.sentence)")
        }
    }

    /// From PKCS #8 in PEM, unencrypted; what kind it is decides how it signs.
    public convenience init(pem: [UInt8]) throws(SigningFailure) {
        do throws(OpenSSLFailure) {
            let key = try PrivateKey(pem: Data(pem))
            let scheme: SignatureScheme
            switch EVP_PKEY_get_base_id(key.raw) {
            case EVP_PKEY_ED25519: scheme = .ed25519
            case EVP_PKEY_EC: scheme = .ecdsaP256
            case EVP_PKEY_RSA: scheme = .rsaPSS
            default: throw OpenSSLFailure(reasons: ["it is neither Ed25519 nor P-256 nor RSA"])
            }
            try self.init(owning: key, scheme)
        } catch {
            throw SigningFailure("the private key cannot be used: \(error.sentence)")
        }
        if let weakness = publicKey.weakness { throw SigningFailure("the private key cannot be used: \(weakness)") }
    }

    private init(owning key: consuming PrivateKey, _ scheme: SignatureScheme) throws(OpenSSLFailure) {
        let value = try Self.publicValue(of: key, scheme)
        self.key = key
        self.scheme = scheme
        do throws(MetadataError) {
            publicKey = try PublicKey([
                "keytype": .string(scheme.keyType), "scheme": .string(scheme.rawValue),
                "keyval": ["public": .string(value)],
            ])
        } catch {
            throw OpenSSLFailure(reasons: ["\(error)"])
        }
    }

    private static func publicValue(
        of key: borrowing PrivateKey, _ scheme: SignatureScheme
    ) throws(OpenSSLFailure) -> String {
        let raw = key.raw
        if scheme == .ed25519 {
            var bytes = [UInt8](repeating: 0, count: 32)
            var length = bytes.count
            try succeeding { EVP_PKEY_get_raw_public_key(raw, &bytes, &length) }
            return Hexadecimal.lower(bytes.prefix(length))
        }
        let bio = try MemoryBIO()
        let target = bio.raw
        try succeeding { PEM_write_bio_PUBKEY(target, raw) }
        return String(decoding: bio.contents(), as: UTF8.self)
    }

    /// PKCS #8 in PEM, unencrypted: to be kept from everybody else.
    public func pem() throws(SigningFailure) -> [UInt8] {
        do throws(OpenSSLFailure) {
            return [UInt8](try key.pem())
        } catch {
            throw SigningFailure("OpenSSL could not write the key: \(error.sentence)")
        }
    }

    /// EVP_DigestSign(3).
    public func sign(_ content: [UInt8]) throws(SigningFailure) -> [UInt8] {
        do throws(OpenSSLFailure) {
            let context = try succeeding { EVP_MD_CTX_new() }
            defer { EVP_MD_CTX_free(context) }
            var parameters: OpaquePointer?
            let (raw, digest) = (key.raw, scheme == .ed25519 ? nil : EVP_sha256())
            try succeeding { EVP_DigestSignInit(context, &parameters, digest, nil, raw) }
            if scheme == .rsaPSS {
                try succeeding { EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) }
                try succeeding { EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, EVP_sha256()) }
                try succeeding { EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) }
            }
            var length = 0
            try succeeding { EVP_DigestSign(context, nil, &length, content, content.count) }
            var signature = [UInt8](repeating: 0, count: length)
            try succeeding { EVP_DigestSign(context, &signature, &length, content, content.count) }
            return Array(signature.prefix(length))
        } catch {
            throw SigningFailure("OpenSSL could not sign: \(error.sentence)")
        }
    }
}

/// Why a key could not be made, read or used: a sentence without its full stop.
public struct SigningFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}
