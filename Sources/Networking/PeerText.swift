internal import NIOCore

/// A peer's address as text.
enum PeerText {
    /// `192.0.2.7:40112`, `[2001:db8::7]:40112`; empty where it is not known.
    static func of(_ address: SocketAddress?) -> [UInt8] {
        guard let address, let host = address.ipAddress, let port = address.port else { return [] }
        guard case .v6 = address else { return Array("\(host):\(port)".utf8) }
        // A socket for both families shows IPv4 clients as mapped addresses (RFC 4291 section 2.5.5.2).
        let mapped = "::ffff:"
        if host.hasPrefix(mapped), host.contains(".") { return Array("\(host.dropFirst(mapped.count)):\(port)".utf8) }
        return Array("[\(host)]:\(port)".utf8)
    }
}
