import Glibc

/// A blocking HTTP/1.1 connection of a client, with a limit on every connect, read and write.
///
/// It understands what the servers measured here answer: a head, and a body with Content-Length.
final class ClientConnection {
    /// What an answer's head says.
    struct Answer: Equatable {
        var status: Int
        var bodyLength: Int
        /// The server will close after it.
        var closes: Bool
    }

    private static let noSignal = Int32(truncatingIfNeeded: MSG_NOSIGNAL)
    private static let truncate = Int32(truncatingIfNeeded: MSG_TRUNC)
    private let descriptor: Int32
    private var buffer: [UInt8]
    private var filled = 0

    /// Connects; `source` is the address to come from. The buffer grows where an answer needs it.
    init(
        to endpoint: Endpoint, from source: Endpoint? = nil, timeoutSeconds: Int = 10, bufferSize: Int = 4096
    ) throws(Failure) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        buffer = [UInt8](repeating: 0, count: bufferSize)
        guard descriptor >= 0 else { throw .connectFailed(errno) }
        do throws(Failure) {
            try prepare(from: source, timeoutSeconds: timeoutSeconds)
            try connect(to: endpoint)
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    private func prepare(from source: Endpoint?, timeoutSeconds: Int) throws(Failure) {
        var limit = timeval(tv_sec: timeoutSeconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var yes: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard let source else { return }
        // The port is chosen at connect, by the whole four-tuple (ip(7), IP_BIND_ADDRESS_NO_PORT).
        setsockopt(descriptor, Int32(IPPROTO_IP), 24, &yes, socklen_t(MemoryLayout<Int32>.size))
        guard source.withSocketAddress({ bind(descriptor, $0, $1) }) == 0 else { throw .connectFailed(errno) }
    }

    private func connect(to endpoint: Endpoint) throws(Failure) {
        guard endpoint.withSocketAddress({ Glibc.connect(descriptor, $0, $1) }) != 0 else { return }
        switch errno {
        case ECONNREFUSED: throw .refused
        case EINPROGRESS, EAGAIN, ETIMEDOUT: throw .connectTimedOut
        default: throw .connectFailed(errno)
        }
    }

    /// The bytes of a GET.
    static func request(_ target: String, close: Bool = false) -> [UInt8] {
        Array("GET \(target) HTTP/1.1\r\nHost: 127.0.0.1\r\n\(close ? "Connection: close\r\n" : "")\r\n".utf8)
    }

    func send(_ bytes: [UInt8]) throws(Failure) {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress.map { $0 + sent }, $0.count - sent, Self.noSignal)
            }
            if count > 0 {
                sent += count
            } else if errno != EINTR {
                throw .of(errno: errno, .request)
            }
        }
    }

    /// Receives one whole answer; whether its body is `expected` decides between an answer and a failure.
    func receive(expecting expected: [UInt8]) throws(Failure) -> Answer {
        let (answer, start) = try receiveHead()
        guard answer.status == 200 else { throw .wrongStatus(answer.status) }
        guard answer.bodyLength == expected.count else { throw .wrongBody }
        while filled < start + answer.bodyLength { try fill(.inAnswer) }
        let isEqual = buffer[start..<(start + answer.bodyLength)].elementsEqual(expected)
        consume(start + answer.bodyLength)
        guard isEqual else { throw .wrongBody }
        return answer
    }

    /// Receives one whole answer with status 200 and gives its body.
    func receiveBody() throws(Failure) -> [UInt8] {
        let (answer, start) = try receiveHead()
        guard answer.status == 200 else { throw .wrongStatus(answer.status) }
        while filled < start + answer.bodyLength { try fill(.inAnswer) }
        let body = Array(buffer[start..<(start + answer.bodyLength)])
        consume(start + answer.bodyLength)
        return body
    }

    /// Receives one answer and lets the kernel drop its body uncopied (tcp(7), MSG_TRUNC), so that this end costs little
    /// beside the server's. Gives the length of the body.
    func receiveDiscardingBody() throws(Failure) -> Int {
        let (answer, start) = try receiveHead()
        guard answer.status == 200 else { throw .wrongStatus(answer.status) }
        let present = min(filled - start, answer.bodyLength)
        consume(start + present)
        var rest = answer.bodyLength - present
        while rest > 0 {
            let count = recv(descriptor, nil, min(rest, 4 << 20), Self.truncate)
            if count == 0 { throw .closed(.inAnswer) }
            if count > 0 {
                rest -= count
            } else if errno != EINTR {
                throw .of(errno: errno, .inAnswer)
            }
        }
        return answer.bodyLength
    }

    /// Reads to the end of a head; gives it and where in the buffer the body begins.
    private func receiveHead() throws(Failure) -> (Answer, Int) {
        var searched = 0
        while true {
            if let end = endOfHead(from: searched) {
                guard let answer = Self.parse(head: buffer[..<end]) else { throw .notHTTP }
                return (answer, end)
            }
            searched = max(0, filled - 3)
            guard filled < 64 << 10 else { throw .notHTTP }
            try fill(filled == 0 ? .beforeAnswer : .inAnswer)
        }
    }

    private func endOfHead(from start: Int) -> Int? {
        guard filled >= 4, start <= filled - 4 else { return nil }
        return buffer.withUnsafeBufferPointer { bytes in
            for index in start...(filled - 4)
            where bytes[index] == 13 && bytes[index + 1] == 10 && bytes[index + 2] == 13 && bytes[index + 3] == 10 {
                return index + 4
            }
            return nil
        }
    }

    private func fill(_ stage: Failure.Stage) throws(Failure) {
        if filled == buffer.count { buffer.append(contentsOf: repeatElement(0, count: buffer.count)) }
        while true {
            let count = buffer.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress.map { $0 + filled }, $0.count - filled, 0)
            }
            if count > 0 {
                filled += count
                return
            }
            if count == 0 { throw .closed(stage) }
            if errno != EINTR { throw .of(errno: errno, stage) }
        }
    }

    private func consume(_ count: Int) {
        if count < filled { buffer.replaceSubrange(0..<(filled - count), with: Array(buffer[count..<filled])) }
        filled -= count
    }

    /// What a head says; nil where it is not one, or its body has no stated length.
    static func parse(head: ArraySlice<UInt8>) -> Answer? {
        let lines = String(decoding: head, as: UTF8.self).split(separator: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1."),
            let status = first.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
        else { return nil }
        var answer = Answer(status: status, bodyLength: -1, closes: false)
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            if name == "content-length" { answer.bodyLength = Int(value) ?? -1 }
            if name == "connection" { answer.closes = value.lowercased() == "close" }
        }
        return answer.bodyLength >= 0 ? answer : nil
    }
}
