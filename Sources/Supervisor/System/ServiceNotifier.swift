import ControlProtocol
import Glibc

/// Tells the service manager how the host fares: the protocol of sd_notify(3), datagrams to the socket that
/// NOTIFY_SOCKET names. Without one, nothing happens.
///
/// Never blocks: what the socket does not take at once is sent again a little later, in order.
final class ServiceNotifier {
    /// Messages that may wait; the manager has a queue of its own, so that is next to never one.
    private static let limit = 64
    /// Until a full socket is tried again.
    private static let retryPause: Nanoseconds = .milliseconds(100)

    private let address: (storage: sockaddr_un, length: socklen_t)?
    private let socket: Descriptor?
    /// Half of what the manager waits for a sign of life; nil: it does not.
    private let watchdogPeriod: Nanoseconds?
    private var waiting: [String] = []
    private var retryAt: Instant?
    private var nextSign: Instant?
    private var status = ""

    /// - Parameter environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID are read from it.
    init(environment: [String: String]) {
        address = environment["NOTIFY_SOCKET"].flatMap(Self.address)
        let type = CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let number = address == nil ? -1 : Glibc.socket(AF_UNIX, type, 0)
        socket = number >= 0 ? Descriptor(owning: number) : nil
        watchdogPeriod = socket == nil ? nil : Self.watchdogPeriod(environment)
        nextSign = watchdogPeriod.map { _ in monotonicNow() }
    }

    /// A path, or `@name` in the abstract namespace (unix(7)).
    private static func address(_ path: String) -> (sockaddr_un, socklen_t)? {
        var bytes = [UInt8](path.utf8)
        guard bytes.count > 1, bytes[0] == UInt8(ascii: "/") || bytes[0] == UInt8(ascii: "@"), !bytes.contains(0) else {
            return nil
        }
        let isAbstract = bytes[0] == UInt8(ascii: "@")
        if isAbstract { bytes[0] = 0 }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let fits = withUnsafeMutableBytes(of: &address.sun_path) { field in
            guard bytes.count < field.count else { return false }
            field.copyBytes(from: bytes)
            return true
        }
        guard fits, let offset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) else { return nil }
        // An abstract name ends where the address does, a path with its NUL.
        return (address, socklen_t(offset + bytes.count + (isAbstract ? 0 : 1)))
    }

    /// The manager means this process alone (sd_watchdog_enabled(3)).
    private static func watchdogPeriod(_ environment: [String: String]) -> Nanoseconds? {
        guard let limit = environment["WATCHDOG_USEC"].flatMap({ UInt64($0) }), limit > 1, limit < UInt64.max / 1000
        else { return nil }
        if let pid = environment["WATCHDOG_PID"], pid != String(getpid()) { return nil }
        return limit * 1000 / 2
    }

    /// Whether anybody listens.
    var isEnabled: Bool { socket != nil }

    // MARK: Saying

    /// The host serves, for the first time or after a reload.
    func ready(_ status: String) { send(["READY=1"], status) }

    /// A reload has begun. The time tells the manager which of several reloads it is (sd_notify(3), MONOTONIC_USEC).
    func reloading(_ status: String) { send(["RELOADING=1", "MONOTONIC_USEC=\(monotonicNow() / 1000)"], status) }

    func stopping(_ status: String) { send(["STOPPING=1"], status) }

    /// One sentence on how it fares; the same one is not said twice.
    func say(_ status: String) { if status != self.status { send([], status) } }

    private func send(_ assignments: [String], _ status: String) {
        guard isEnabled else { return }
        self.status = status
        // A line break would be the next assignment.
        let line = String(status.map { $0.isNewline ? " " : $0 })
        queue((assignments + ["STATUS=\(line)"]).joined(separator: "\n"))
    }

    private func queue(_ message: String) {
        if waiting.count >= Self.limit { waiting.removeFirst() }
        waiting.append(message)
        flush()
    }

    // MARK: Time

    /// When `tend` is due.
    var nextDeadline: Instant? { [nextSign, retryAt].compactMap(\.self).min() }

    /// Gives the sign of life where it is due, and sends what waits.
    func tend(at now: Instant) {
        if let due = nextSign, let watchdogPeriod, due <= now {
            nextSign = now.after(watchdogPeriod)
            // One that waits already is as good.
            if !waiting.contains("WATCHDOG=1") { queue("WATCHDOG=1") }
        }
        if let due = retryAt, due <= now { flush() }
    }

    private func flush() {
        retryAt = nil
        while let message = waiting.first {
            switch transmit(message) {
            case 0: waiting.removeFirst()
            case EAGAIN, ENOBUFS, EINTR:
                retryAt = monotonicNow().after(Self.retryPause)
                return
            default:
                // Nobody listens (any more): what was to be said is of no use later.
                waiting = []
            }
        }
    }

    private func transmit(_ message: String) -> CInt {
        guard let socket, let address else { return EBADF }
        let bytes = [UInt8](message.utf8)
        let sent = withUnsafePointer(to: address.storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket.rawValue, bytes, bytes.count, CInt(MSG_NOSIGNAL), $0, address.length)
            }
        }
        return sent >= 0 ? 0 : errno
    }
}
