internal import COpenSSL
import FoundationEssentials
internal import OpenSSL

/// A private key of a member of the fleet: ECDSA on P-256, made where it is used and never sent anywhere.
public struct IdentityKey: Sendable {
    /// PKCS #8.
    public let pem: String

    public static func make() throws(FleetIdentityError) -> IdentityKey {
        try openSSL("a key could not be made") { () throws(OpenSSLFailure) in
            IdentityKey(checked: String(decoding: try PrivateKey.make().pem(), as: UTF8.self))
        }
    }

    /// The first private key of a text, of which other parts are passed over.
    public init(pem: String) throws(FleetIdentityError) {
        let key = try Self.read(pem)
        guard PublicKey.isP256(key.raw) else {
            throw FleetIdentityError("the private key is of another kind than ECDSA P-256, which the fleet uses")
        }
        self.pem = try openSSL("the private key cannot be written") { () throws(OpenSSLFailure) in
            String(decoding: try key.pem(), as: UTF8.self)
        }
    }

    private init(checked pem: String) { self.pem = pem }

    static func read(_ pem: String) throws(FleetIdentityError) -> PrivateKey {
        try openSSL("there is no private key in PEM that could be read") { () throws(OpenSSLFailure) in
            try PrivateKey(pem: Data(pem.utf8))
        }
    }

    /// PKCS #10 (RFC 2986), PEM: asks for a certificate, and proves that its sender has the key.
    public func signingRequest(commonName: String) throws(FleetIdentityError) -> String {
        let key = try Self.read(pem)
        return try openSSL("a certificate could not be asked for") { () throws(OpenSSLFailure) in
            let request = try succeeding { X509_REQ_new() }
            defer { X509_REQ_free(request) }
            let keyRaw = key.raw
            try succeeding { X509_REQ_set_version(request, 0) }
            try succeeding { X509_REQ_set_pubkey(request, keyRaw) }
            let subject = try succeeding { X509_REQ_get_subject_name(request) }
            let name = Array(commonName.utf8.prefix(64))
            try succeeding {
                X509_NAME_add_entry_by_txt(subject, "CN", cossl_utf8_string, name, CInt(name.count), -1, 0)
            }
            try succeeding { () -> CInt in X509_REQ_sign(request, keyRaw, EVP_sha256()) > 0 ? 1 : 0 }
            let bio = try MemoryBIO()
            let target = bio.raw
            try succeeding { PEM_write_bio_X509_REQ(target, request) }
            return String(decoding: bio.contents(), as: UTF8.self)
        }
    }
}

/// Public keys as certificates hold them: SubjectPublicKeyInfo in DER (RFC 5480).
enum PublicKey {
    /// What every key on the named curve P-256 with an uncompressed point begins with; 64 bytes of the point follow.
    private static let p256: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A, 0x86, 0x48,
        0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ]

    static func isP256(_ key: OpaquePointer) -> Bool {
        guard let bytes = der(key) else { return false }
        return bytes.count == p256.count + 64 && bytes.starts(with: p256)
    }

    static func der(_ key: OpaquePointer) -> [UInt8]? {
        var bytes: UnsafeMutablePointer<UInt8>?
        let count = i2d_PUBKEY(key, &bytes)
        ERR_clear_error()
        guard count > 0, let bytes else { return nil }
        defer { CRYPTO_free(bytes, nil, 0) }
        return Array(UnsafeBufferPointer(start: bytes, count: Int(count)))
    }
}
