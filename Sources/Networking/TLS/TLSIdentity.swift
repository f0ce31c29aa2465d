internal import COpenSSL
internal import CTLS
internal import OpenSSL

/// Who a client proved to be by a certificate that was verified against the listener's authority.
public struct TLSIdentity: Sendable, Equatable {
    /// RFC 2253: `CN=ws-17,O=Example`.
    public var subject: String
    /// The URIs of the subject alternative name (RFC 5280 section 4.2.1.6), in the certificate's order.
    public var uris: [String]

    public init(subject: String, uris: [String]) {
        self.subject = subject
        self.uris = uris
    }

    /// Whether one of its URIs is one of `patterns`, or begins with one that ends in `*`.
    func matches(anyOf patterns: [String]) -> Bool {
        uris.contains { uri in
            patterns.contains { pattern in
                pattern.hasSuffix("*") ? uri.utf8.starts(with: pattern.utf8.dropLast()) : uri == pattern
            }
        }
    }

    /// More than any honest certificate has.
    private static let uriLimit = 64
    private static let uriLength = 1...2048

    /// The identity of the peer, or nil where it showed no certificate.
    /// - Throws: where the certificate holds a URI that could be taken for another: one with a NUL, a blank or anything
    ///   else that RFC 3986 does not allow in it.
    static func ofPeer(_ connection: OpaquePointer) throws(TLSError) -> TLSIdentity? {
        guard let certificate = SSL_get0_peer_certificate(connection), SSL_get_verify_result(connection) == X509_V_OK
        else { return nil }
        guard let bio = try? MemoryBIO(),
            X509_NAME_print_ex(bio.raw, X509_get_subject_name(certificate), 0, cossl_rfc2253) >= 0
        else { throw TLSError(doing: "reading a client's certificate", reason: "its subject cannot be read") }
        return TLSIdentity(subject: String(decoding: bio.contents(), as: UTF8.self), uris: try uris(certificate))
    }

    private static func uris(_ certificate: OpaquePointer) throws(TLSError) -> [String] {
        guard let names = cossl_alternative_names(certificate) else { return [] }
        defer { cossl_free_names(names) }
        var uris: [String] = []
        for index in 0..<max(0, cossl_count_names(names)) {
            var length = 0
            guard let bytes = cossl_uri(names, index, &length) else { continue }
            let text = UnsafeBufferPointer(start: bytes, count: length)
            guard uriLength.contains(length), uris.count < uriLimit, text.allSatisfy({ (0x21...0x7E).contains($0) })
            else { throw TLSError(doing: "reading a client's certificate", reason: "it holds a URI that is none") }
            uris.append(String(decoding: text, as: UTF8.self))
        }
        return uris
    }
}
