import ControlProtocol
import Glibc

/// The listening sockets, bound once and kept through generations and crashes, so that a connect is never refused while
/// a worker restarts: it queues.
final class ListenerTable {
    /// A bound socket.
    struct Listener {
        var descriptor: Descriptor
        /// As it came out: the port that was free, the family that was there.
        var bound: BindAddress
    }

    static let backlog: CInt = 4096

    private(set) var listeners: [BindAddress: Listener] = [:]

    /// The socket for an address, bound now where it is not yet.
    func listener(_ address: BindAddress) throws(Refusal) -> Listener {
        if let listener = listeners[address] { return listener }
        let listener = try Self.bind(address, beside: listeners.keys.filter { $0.port == address.port })
        listeners[address] = listener
        return listener
    }

    /// Closes every listener but these.
    ///
    /// shutdown() before close: workers that drain hold the socket too, and the port has to be free, and to refuse, from
    /// now on.
    func retain(_ addresses: Set<BindAddress>) {
        for (address, listener) in listeners where !addresses.contains(address) {
            _ = Glibc.shutdown(listener.descriptor.rawValue, CInt(SHUT_RD))
            listeners[address] = nil
        }
    }

    /// The listeners that some worker stopped with shutdown(), put to listening again.
    func relisten() -> [BindAddress] {
        listeners.values.compactMap { listener in
            var isListening: CInt = 0
            var length = socklen_t(MemoryLayout<CInt>.size)
            let socket = listener.descriptor.rawValue
            guard getsockopt(socket, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0, isListening == 0 else {
                return nil
            }
            return Glibc.listen(socket, Self.backlog) == 0 ? listener.bound : nil
        }
    }

    // MARK: Binding

    /// Binds a socket that the table does not keep, to see whether it can be had.
    static func probe(_ address: BindAddress) throws(Refusal) { _ = try bind(address, beside: []) }

    /// A socket that nobody will find, for a worker that is only being tried.
    static func standIn() throws(Refusal) -> Listener {
        try bind(BindAddress(host: "127.0.0.1", port: 0, component: "", listener: ""), beside: [])
    }

    private static func bind(_ address: BindAddress, beside own: [BindAddress]) throws(Refusal) -> Listener {
        do throws(BindFailure) {
            return try open(address)
        } catch {
            // A kernel without IPv6 still has IPv4 for "all addresses".
            if error.number == EAFNOSUPPORT || error.number == EADDRNOTAVAIL, address.host == "::" {
                var fallback = address
                fallback.host = "0.0.0.0"
                if let listener = try? open(fallback) { return listener }
            }
            throw Refusal(reason: sentence(error.number, address, own))
        }
    }

    private struct BindFailure: Error {
        var number: CInt
    }

    private static func open(_ address: BindAddress) throws(BindFailure) -> Listener {
        let first = try bound(to: address)
        var bound = address
        bound.port = SocketAddress.port(of: first.rawValue) ?? address.port
        // A port that the kernel chose is lost at shutdown(); one that was asked for by number is not (see `relisten`).
        let descriptor = address.port == 0 ? try self.bound(to: bound) : first
        guard Glibc.listen(descriptor.rawValue, backlog) == 0 else { throw BindFailure(number: errno) }
        return Listener(descriptor: descriptor, bound: bound)
    }

    private static func bound(to address: BindAddress) throws(BindFailure) -> Descriptor {
        guard let target = SocketAddress(host: address.host, port: address.port) else {
            throw BindFailure(number: EADDRNOTAVAIL)
        }
        let type = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = socket(target.family, type, 0)
        guard number >= 0 else { throw BindFailure(number: errno) }
        let descriptor = Descriptor(owning: number)
        set(SOL_SOCKET, SO_REUSEADDR, 1, on: number)
        if target.family == AF_INET6 { set(CInt(IPPROTO_IPV6), IPV6_V6ONLY, address.host == "::" ? 0 : 1, on: number) }
        guard target.withPointer({ Glibc.bind(number, $0, $1) }) == 0 else { throw BindFailure(number: errno) }
        return descriptor
    }

    private static func set(_ level: CInt, _ option: CInt, _ value: CInt, on socket: CInt) {
        var value = value
        setsockopt(socket, level, option, &value, socklen_t(MemoryLayout<CInt>.size))
    }

    static func sentence(_ number: CInt, _ address: BindAddress, _ own: [BindAddress]) -> String {
        switch number {
        case EADDRINUSE:
            if let other = own.first {
                return "cannot listen on \(address) while this host itself holds \(other): a change between all "
                    + "addresses and one of them takes two reloads, the first without this listener"
            }
            let holder = PortHolder.find(port: address.port).map(\.description) ?? "by another process"
            return "cannot listen on \(address): the port is in use \(holder); stop that, or choose another port"
        case EACCES:
            return "cannot listen on \(address): ports below 1024 need CAP_NET_BIND_SERVICE; start as root, or with "
                + "AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or use another port in 'listen' or "
                + "--port-offset"
        case EADDRNOTAVAIL:
            return "cannot listen on \(address): this machine does not have that address"
        default:
            return "cannot listen on \(address): \(SystemError.sentence(number))"
        }
    }
}
