internal import Fleet
internal import Glibc

/// A blocking TCP connection of which every wait ends at one deadline.
final class ProbeSocket {
    private let descriptor: CInt
    private let server: ServerAddress
    private let deadline: ContinuousClock.Instant
    private let timeout: Duration

    /// Tries the server's addresses, one after the other.
    init(_ server: ServerAddress, timeout: Duration) throws(EnrolmentFailure) {
        let deadline = ContinuousClock.now + timeout
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG
        var list: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(server.host, String(server.port), &hints, &list)
        guard status == 0 else {
            throw EnrolmentFailure(
                .unresolved, "the server \(server.host) cannot be found: \(String(cString: gai_strerror(status)))",
                advice: "Check the name in the token, and this machine's DNS.")
        }
        defer { freeaddrinfo(list) }
        var failure = Self.failure(server, ECONNREFUSED)
        var entry = list
        while let address = entry?.pointee {
            entry = address.ai_next
            do throws(EnrolmentFailure) {
                descriptor = try Self.connect(server, address, deadline, timeout)
                (self.server, self.deadline, self.timeout) = (server, deadline, timeout)
                return
            } catch {
                failure = error
            }
        }
        throw failure
    }

    deinit { close(descriptor) }

    private static func connect(
        _ server: ServerAddress, _ address: addrinfo, _ deadline: ContinuousClock.Instant, _ timeout: Duration
    ) throws(EnrolmentFailure) -> CInt {
        let kind = CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = socket(address.ai_family, kind, 0)
        guard descriptor >= 0 else { throw failure(server, errno) }
        do throws(EnrolmentFailure) {
            if Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) != 0 {
                guard errno == EINPROGRESS else { throw failure(server, errno) }
                try wait(descriptor, POLLOUT, server, deadline, timeout)
                var (error, length) = (CInt(0), socklen_t(MemoryLayout<CInt>.size))
                getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
                guard error == 0 else { throw failure(server, error) }
            }
            return descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    func send(_ bytes: [UInt8]) throws(EnrolmentFailure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL)) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                try Self.wait(descriptor, POLLOUT, server, deadline, timeout)
            } else if errno != EINTR {
                throw Self.failure(server, errno)
            }
        }
    }

    /// Some bytes; empty at the end.
    func receive() throws(EnrolmentFailure) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count >= 0 { return Array(buffer.prefix(count)) }
            if errno == EAGAIN {
                try Self.wait(descriptor, POLLIN, server, deadline, timeout)
            } else if errno != EINTR {
                throw Self.failure(server, errno)
            }
        }
    }

    private static func wait(
        _ descriptor: CInt, _ events: CInt, _ server: ServerAddress, _ deadline: ContinuousClock.Instant,
        _ timeout: Duration
    ) throws(EnrolmentFailure) {
        while true {
            let left = (deadline - .now).wholeMilliseconds
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let ready = left > 0 ? poll(&entry, 1, CInt(clamping: left)) : 0
            if ready > 0 { return }
            guard ready < 0, errno == EINTR else {
                throw EnrolmentFailure(
                    .noAnswer,
                    "the server \(server) gave no answer within \(max(1, timeout.wholeMilliseconds / 1000)) s",
                    advice: "Check that it runs, and that no firewall between here and there keeps its port shut.")
            }
        }
    }

    private static func failure(_ server: ServerAddress, _ number: CInt) -> EnrolmentFailure {
        EnrolmentFailure(
            .unreachable, "the server \(server) cannot be reached: \(SystemText.sentence(number))",
            advice: "Check that it runs, and that no firewall between here and there keeps its port shut.")
    }
}

enum SystemText {
    static func sentence(_ number: CInt) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 128) { buffer in
            guard let start = buffer.baseAddress, strerror_r(number, start, buffer.count) == 0 else {
                return "error \(number)"
            }
            return String(cString: start)
        }
    }
}
