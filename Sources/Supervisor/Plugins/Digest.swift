import COpenSSL

/// SHA-256 of bytes that come in pieces.
final class Digest {
    private let context = EVP_MD_CTX_new()
    private var isSound: Bool

    init() {
        isSound = context != nil && EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1
    }

    deinit { EVP_MD_CTX_free(context) }

    func update(_ bytes: [UInt8]) {
        isSound = isSound && bytes.withUnsafeBytes { EVP_DigestUpdate(context, $0.baseAddress, $0.count) } == 1
    }

    /// Hexadecimal, lower case; nil where OpenSSL failed. The last call.
    func finish() -> String? {
        var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var length: UInt32 = 0
        guard isSound, EVP_DigestFinal_ex(context, &result, &length) == 1, length == 32 else { return nil }
        isSound = false
        return result.prefix(Int(length)).map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
    }
}
