import Foundation

/// What an HTTP server answered.
struct Response {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    var closes: Bool { headers["connection"]?.lowercased() == "close" }
}

/// A blocking TCP connection to 127.0.0.1 with a ten-second limit on every read and write.
final class Connection {
    private let descriptor: Int32
    private var buffer: [UInt8] = []

    init(port: UInt16, timeout seconds: Int = 10) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw LiveFailure("socket: errno \(errno)") }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let reason = errno
            // Everything is initialised: deinit closes it.
            throw LiveFailure(reason == ECONNREFUSED ? "refused" : "connect: errno \(reason)")
        }
    }

    deinit { close(descriptor) }

    func send(_ text: String) throws {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw LiveFailure("send: errno \(errno)") }
            rest = rest.dropFirst(count)
        }
    }

    func get(_ target: String, close: Bool = false) throws -> Response {
        try send("GET \(target) HTTP/1.1\r\nHost: localhost\r\n\(close ? "Connection: close\r\n" : "")\r\n")
        return try receive()
    }

    /// Reads one whole answer to a request other than HEAD.
    func receive() throws -> Response {
        var response = try receiveHead()
        if response.headers["transfer-encoding"] == "chunked" {
            while let chunk = try receiveChunk() { response.body += chunk }
        } else if let length = response.headers["content-length"].flatMap({ Int($0) }) {
            response.body = try read(length)
        } else if response.status != 204, response.status != 304 {
            while try fill() {}
            response.body = buffer
            buffer = []
        }
        return response
    }

    func receiveHead() throws -> Response {
        let lines = String(decoding: try read(through: "\r\n\r\n"), as: UTF8.self).components(separatedBy: "\r\n")
        guard let first = lines.first, first.hasPrefix("HTTP/1."),
            let status = Int(first.split(separator: " ").dropFirst().first ?? "")
        else { throw LiveFailure("not HTTP: \(lines)") }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] =
                line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
        return Response(status: status, headers: headers, body: [])
    }

    /// The next chunk of a chunked body; nil after the last.
    func receiveChunk() throws -> [UInt8]? {
        let size = String(decoding: try read(through: "\r\n").dropLast(2), as: UTF8.self)
        guard let length = Int(size, radix: 16) else { throw LiveFailure("bad chunk size \(size)") }
        let chunk = try read(length)
        _ = try read(2)
        return length == 0 ? nil : chunk
    }

    /// Whether the peer has closed, waiting for it or for data.
    func isAtEnd() throws -> Bool { try buffer.isEmpty && !fill() }

    private func read(_ count: Int) throws -> [UInt8] {
        while buffer.count < count {
            guard try fill() else { throw LiveFailure("closed after \(buffer.count) of \(count) bytes") }
        }
        defer { buffer.removeFirst(count) }
        return Array(buffer.prefix(count))
    }

    private func read(through mark: String) throws -> [UInt8] {
        let mark = Array(mark.utf8)
        var searched = 0
        while true {
            if buffer.count >= mark.count {
                for index in searched...(buffer.count - mark.count) where buffer[index...].starts(with: mark) {
                    return try read(index + mark.count)
                }
                searched = buffer.count - mark.count + 1
            }
            guard try fill() else {
                throw LiveFailure(buffer.isEmpty ? "closed without an answer" : "closed in the head")
            }
        }
    }

    private func fill() throws -> Bool {
        var piece = [UInt8](repeating: 0, count: 65536)
        let count = piece.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw LiveFailure(errno == ECONNRESET ? "reset" : "recv: errno \(errno)") }
        buffer += piece.prefix(count)
        return count > 0
    }
}
