internal import COpenSSL

/// A message digest (FIPS 180-4) by OpenSSL: one of some bytes (EVP_DigestInit(3)).
package struct Digest: ~Copyable {
    package enum Kind: String, Sendable, CaseIterable {
        case sha256, sha512

        /// Bytes.
        package var length: Int { self == .sha256 ? 32 : 64 }
    }

    package let kind: Kind
    private let context: OpaquePointer

    package init(_ kind: Kind) throws(OpenSSLFailure) {
        self.kind = kind
        let context = try succeeding { EVP_MD_CTX_new() }
        guard EVP_DigestInit_ex(context, kind == .sha256 ? EVP_sha256() : EVP_sha512(), nil) == 1 else {
            EVP_MD_CTX_free(context)
            throw OpenSSLFailure.take()
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    package func add(_ bytes: UnsafeRawBufferPointer) throws(OpenSSLFailure) {
        try succeeding { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }
    }

    package func add(_ bytes: [UInt8]) throws(OpenSSLFailure) {
        try succeeding { EVP_DigestUpdate(context, bytes, bytes.count) }
    }

    /// The digest of all that was added.
    package func end() throws(OpenSSLFailure) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: kind.length)
        try succeeding { EVP_DigestFinal_ex(context, &digest, nil) }
        return digest
    }

    package static func of(_ bytes: [UInt8], _ kind: Kind = .sha256) throws(OpenSSLFailure) -> [UInt8] {
        let digest = try Digest(kind)
        try digest.add(bytes)
        return try digest.end()
    }
}
