internal import COpenSSL
internal import Glibc
internal import OpenSSL

/// Whom a connection must reach: one subject alternative name that the server's certificate has to hold (RFC 5280
/// section 4.2.1.6). The common name is never looked at (RFC 9110 section 4.3.4).
struct PeerExpectation: Sendable, Equatable, CustomStringConvertible {
    private enum Name: Equatable {
        /// Compared byte for byte.
        case uri
        /// A wildcard of the certificate stands for a whole leftmost label, and for nothing else.
        case host
        /// 4 or 16 bytes.
        case address([UInt8])
    }

    let description: String
    private let name: Name

    /// Reads `muster:server`, `updates.example.com`, `192.0.2.7` or `2001:db8::7`.
    init(_ text: String) throws(HTTPClientRefusal) {
        if let address = Self.address(text) {
            (name, description) = (.address(address), text)
        } else if text.utf8.contains(UInt8(ascii: ":")) {
            guard Self.isURI(text) else {
                throw HTTPClientRefusal("The expected peer is neither a URI in ASCII, a host name nor an IP address.")
            }
            (name, description) = (.uri, text)
        } else {
            guard Self.isHost(text) else {
                throw HTTPClientRefusal("The expected peer is neither a URI, a host name in ASCII nor an IP address.")
            }
            (name, description) = (.host, text.lowercased())
        }
    }

    /// Whether a certificate belongs to that peer. Whether it is to be believed was found out before.
    func matches(_ leaf: OpaquePointer) -> Bool {
        switch name {
        case .uri:
            return Self.names(leaf) { names, index in
                var length = 0
                guard let bytes = cossl_uri(names, index, &length) else { return nil }
                return UnsafeBufferPointer(start: bytes, count: length).elementsEqual(description.utf8) ? true : nil
            } ?? false
        case .host:
            let flags = UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT)
            return X509_check_host(leaf, description, description.utf8.count, flags, nil) == 1
        case .address(let bytes):
            return X509_check_ip(leaf, bytes, bytes.count, 0) == 1
        }
    }

    /// The names in a certificate, for a person.
    static func describe(_ leaf: OpaquePointer) -> String {
        var found: [String] = []
        let _: Bool? = names(leaf) { names, index in
            guard found.count < 8, let bio = try? MemoryBIO(), cossl_print_name(bio.raw, names, index) == 1
            else { return found.count < 8 ? nil : true }
            let text = bio.contents().prefix(200).map { (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?") }
            found.append(String(decoding: text, as: UTF8.self))
            return nil
        }
        return found.isEmpty ? "has no subject alternative name" : "is for \(found.joined(separator: ", "))"
    }

    /// Calls `body` for each subject alternative name until it answers a value.
    private static func names<Value>(
        _ leaf: OpaquePointer, _ body: (_ names: OpaquePointer, _ index: CInt) -> Value?
    ) -> Value? {
        guard let names = cossl_alternative_names(leaf) else { return nil }
        defer { cossl_free_names(names) }
        for index in 0..<max(0, cossl_count_names(names)) {
            if let value = body(names, index) { return value }
        }
        return nil
    }

    private static func address(_ text: String) -> [UInt8]? {
        for (family, size) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: size)
            if inet_pton(family, text, &bytes) == 1 { return bytes }
        }
        return nil
    }

    /// A scheme, a colon and something after it, all in the characters that RFC 3986 section 2 has.
    private static func isURI(_ text: String) -> Bool {
        guard text.utf8.count <= 2048, let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { return false }
        let scheme = text.utf8[..<colon]
        let rest = text.utf8[colon...].dropFirst()
        return scheme.first.map(ASCII.isLetter) == true && scheme.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) }
            && !rest.isEmpty && rest.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// Labels of letters, digits, hyphens and underscores (which some private networks use).
    private static func isHost(_ text: String) -> Bool {
        guard (1...253).contains(text.utf8.count) else { return false }
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy { ASCII.isLetter($0) || ASCII.isDigit($0) || $0 == 0x2D || $0 == 0x5F }
        }
    }
}
