import Glibc

/// A TCP port of an IPv4 loopback address, in host byte order.
struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    var address: UInt32 = 0x7f00_0001
    var port: UInt16

    init(port: UInt16) { self.port = port }

    /// 127.0.0.`last`, any port: where connections come from, since one source address has only some 28,000 ports.
    init(source last: UInt32) {
        address = 0x7f00_0000 | (last & 0xff)
        port = 0
    }

    var description: String {
        "\(address >> 24).\(address >> 16 & 0xff).\(address >> 8 & 0xff).\(address & 0xff):\(port)"
    }

    func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_in()
        storage.sin_family = sa_family_t(AF_INET)
        storage.sin_port = port.bigEndian
        storage.sin_addr.s_addr = address.bigEndian
        return withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }

    /// Whether nothing is bound to it now.
    var isFree: Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        return withSocketAddress { bind(descriptor, $0, $1) } == 0
    }
}
