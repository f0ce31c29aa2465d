internal import CLinux
internal import Glibc

/// The command's side of the supervisor's control socket.
public enum ControlClient {
    /// Asks the supervisor that listens at `path` and waits for its answer.
    ///
    /// - Parameter seconds: how long the whole may take. A reload answers when it is committed or refused.
    /// - Throws: `ChannelError`; `.system(ENOENT)` and `.system(ECONNREFUSED)` mean that no supervisor runs there,
    ///   `.system(EACCES)` that this user may not ask.
    public static func request(
        path: String, _ request: ControlRequest, timeout seconds: Double
    ) throws(ChannelError) -> ControlResponse {
        let deadline = clinux_monotonic_now() + nanoseconds(seconds)
        let channel = ControlChannel(try connect(to: path, until: deadline))
        return try channel.ask(request, for: ControlResponse.self, until: deadline)
    }

    /// A connected socket; the connect itself waits while the supervisor's backlog is full.
    private static func connect(to path: String, until deadline: UInt64) throws(ChannelError) -> Descriptor {
        let doing = "connecting to \(path)"
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let isShortEnough = withUnsafeMutableBytes(of: &address.sun_path) { field in
            guard path.utf8.count < field.count, !path.utf8.contains(0) else { return false }
            field.copyBytes(from: path.utf8)
            return true
        }
        guard isShortEnough else { throw ChannelError(.system(ENAMETOOLONG), doing) }
        let number = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
        guard number >= 0 else { throw ChannelError(.system(errno), doing) }
        let descriptor = Descriptor(owning: number)
        while true {
            let status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            if status == 0 { return descriptor }
            guard errno == EAGAIN || errno == EINTR else { throw ChannelError(.system(errno), doing) }
            // EAGAIN: the backlog is full, and poll cannot tell when it no longer is (unix(7)): ask again in a while.
            guard clinux_monotonic_now() < deadline else { throw ChannelError(.timedOut, doing) }
            _ = clinux_poll(nil, 0, 10_000_000)
        }
    }

    /// Bounded, so that no duration traps.
    private static func nanoseconds(_ seconds: Double) -> UInt64 {
        guard seconds > 0 else { return 0 }
        return UInt64(min(seconds, 1e6) * 1e9)
    }
}

extension ControlChannel {
    /// Sends a message and waits for the one that answers it.
    /// - Parameter deadline: CLOCK_MONOTONIC, nanoseconds; beyond it `.timedOut` is thrown.
    public func ask<Answer: Decodable>(
        _ request: some Encodable, for answer: Answer.Type, until deadline: UInt64
    ) throws(ChannelError) -> Answer {
        try send(request)
        while true {
            if let received = try receive(answer) { return received.message }
            try wait(until: deadline)
        }
    }

    private func wait(until deadline: UInt64) throws(ChannelError) {
        let doing = "waiting for an answer"
        let now = clinux_monotonic_now()
        guard now < deadline else { throw ChannelError(.timedOut, doing) }
        let events = hasPendingOutput ? POLLIN | POLLOUT : POLLIN
        var entry = pollfd(fd: rawDescriptor, events: Int16(events), revents: 0)
        let ready = clinux_poll(&entry, 1, deadline - now)
        guard ready >= 0 else { throw ChannelError(.system(-ready), doing) }
        if entry.revents & Int16(POLLOUT) != 0 { try flush() }
    }
}
