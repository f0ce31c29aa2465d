import Glibc

/// A blocking TCP client on 127.0.0.1 that sends exactly the bytes it is given. Every wait ends after ten seconds.
final class ClientSocket {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// One answer as read from the wire.
    struct Answer: Equatable {
        var status: Int
        var head: String
        var body: String

        func field(_ name: String) -> String? {
            for line in head.split(separator: "\r\n").dropFirst() {
                guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else {
                    continue
                }
                return String(line[line.index(after: colon)...].drop(while: { $0 == " " }))
            }
            return nil
        }
    }

    private var descriptor: CInt
    private var unread: [UInt8] = []

    init(port: UInt16, receiveBuffer: CInt? = nil) throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<CInt>.size))
        }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var one: CInt = 1
        setsockopt(descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard status == 0 else { throw Failure(description: "connect: errno \(errno)") }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Ends the connection with a reset.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    func closeOutput() { shutdown(descriptor, CInt(SHUT_WR)) }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Failure(description: "send: errno \(errno)") }
            sent += count
        }
    }

    /// Sends what fits without waiting, and says how much that was.
    func sendWhatFits(_ bytes: [UInt8]) -> Int {
        let flags = CInt(MSG_NOSIGNAL) | CInt(MSG_DONTWAIT)
        return max(bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, flags) }, 0)
    }

    /// Some bytes; empty at the end of the connection.
    func receive() throws -> [UInt8] {
        if !unread.isEmpty {
            defer { unread = [] }
            return unread
        }
        var buffer = [UInt8](repeating: 0, count: 65_536)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        guard count >= 0 else { throw Failure(description: errno == ECONNRESET ? "reset" : "receive: errno \(errno)") }
        return Array(buffer[..<count])
    }

    /// Everything up to the end of the connection.
    func receiveAll() throws -> String {
        var all: [UInt8] = []
        while true {
            let some = try receive()
            if some.isEmpty { return String(decoding: all, as: UTF8.self) }
            all += some
        }
    }

    /// Whether the server closes its half within the time of a wait, without another byte.
    func isAtEnd() -> Bool { (try? receive().isEmpty) ?? false }

    /// Whether nothing is to be read at the moment.
    func isSilent() -> Bool {
        var byte: UInt8 = 0
        return unread.isEmpty && recv(descriptor, &byte, 1, CInt(MSG_PEEK) | CInt(MSG_DONTWAIT)) < 0
    }

    /// One answer, by its Content-Length or its chunks; without either, to the end of the connection.
    func answer(toHead: Bool = false) throws -> Answer {
        let head = try readHead()
        guard let status = Int(head.split(separator: " ").dropFirst().first ?? "") else {
            throw Failure(description: "no status in \(head.debugDescription)")
        }
        var answer = Answer(status: status, head: head, body: "")
        if toHead || status == 204 || status == 304 || status < 200 { return answer }
        if let length = answer.field("Content-Length").flatMap({ Int($0) }) {
            answer.body = String(decoding: try take(length), as: UTF8.self)
        } else if answer.field("Transfer-Encoding") == "chunked" {
            answer.body = try chunks()
        } else {
            answer.body = try receiveAll()
        }
        return answer
    }

    private func readHead() throws -> String {
        var head: [UInt8] = []
        while !head.suffix(4).elementsEqual([13, 10, 13, 10]) { head += try take(1) }
        return String(decoding: head, as: UTF8.self)
    }

    private func chunks() throws -> String {
        var body = ""
        while true {
            var line = ""
            while !line.hasSuffix("\r\n") { line += String(decoding: try take(1), as: UTF8.self) }
            guard let size = Int(line.dropLast(1), radix: 16) else {
                throw Failure(description: "no chunk size in \(line.debugDescription)")
            }
            body += String(decoding: try take(size), as: UTF8.self)
            _ = try take(2)
            if size == 0 { return body }
        }
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while unread.count < count {
            let more = try { () throws -> [UInt8] in
                var buffer = [UInt8](repeating: 0, count: 65_536)
                let count = recv(descriptor, &buffer, buffer.count, 0)
                guard count > 0 else { throw Failure(description: count == 0 ? "end" : "receive: errno \(errno)") }
                return Array(buffer[..<count])
            }()
            unread += more
        }
        defer { unread.removeFirst(count) }
        return Array(unread.prefix(count))
    }
}
