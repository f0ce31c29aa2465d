internal import COpenSSL
internal import OpenSSL

/// SHA-256 (FIPS 180-4) by OpenSSL: one digest (EVP_DigestInit(3)).
struct SHA256: ~Copyable {
    static let length = 32

    private let context: OpaquePointer

    init() throws(OpenSSLFailure) {
        let context = try succeeding { EVP_MD_CTX_new() }
        guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw OpenSSLFailure.take()
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    func add(_ bytes: UnsafeRawBufferPointer) throws(OpenSSLFailure) {
        try succeeding { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }
    }

    func add(_ bytes: [UInt8]) throws(OpenSSLFailure) {
        try succeeding { EVP_DigestUpdate(context, bytes, bytes.count) }
    }

    /// The digest of all that was added.
    func end() throws(OpenSSLFailure) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: Self.length)
        try succeeding { EVP_DigestFinal_ex(context, &digest, nil) }
        return digest
    }
}

extension [UInt8] {
    /// Two lower-case digits a byte.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}
