import Glibc
import NIOPosix
import Synchronization
import Testing

@testable import Networking

/// A server on 127.0.0.1 and a free port, with a handler made of closures that records what it is told.
final class TestServer: Sendable {
    /// A request as the handler saw it.
    struct Seen: Sendable {
        var exchange: ExchangeID
        var method: String
        var target: String
        var authority: String
        var version: UInt32
        var hasBody: Bool
        var peer: String
        var fields: [String]
        var identity: TLSIdentity?
    }

    let group: MultiThreadedEventLoopGroup
    let loops: HTTPLoops
    let server: HTTPServer
    let handler: RecordingHandler
    let port: UInt16

    init(
        _ limits: HTTPLimits = HTTPLimits(), tls: TLSContext? = nil, loops count: Int = 1, accepting: Bool = true,
        _ answer: @escaping @Sendable (HTTPLoops, Seen) -> Void = { $0.answer($1.exchange, "ok") }
    ) throws {
        group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        loops = HTTPLoops(group: group)
        handler = RecordingHandler(loops: loops, answer: answer)
        server = HTTPServer(loops: loops, limits: limits, handler: handler, tls: tls)
        let (descriptor, port) = try Self.listen()
        self.port = port
        try server.adopt(descriptor: descriptor)
        if accepting { server.startAccepting() }
    }

    func stop() {
        server.close()
        try? group.syncShutdownGracefully()
    }

    func connect(receiveBuffer: CInt? = nil) throws -> ClientSocket {
        try ClientSocket(port: port, receiveBuffer: receiveBuffer)
    }

    /// Sends one request on a connection of its own and reads the answer.
    func exchange(_ request: String) throws -> ClientSocket.Answer {
        let client = try connect()
        try client.send(request)
        return try client.answer()
    }

    static func listen() throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let status = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && Glibc.listen(descriptor, 128) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        try #require(status)
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }
}

/// Records every call; answers through a closure.
final class RecordingHandler: HTTPHandler {
    enum Event: Equatable, Sendable {
        case request(String), body(String), bodyEnd, abort(AbortReason), writable
    }

    private let loops: HTTPLoops
    private let answer: @Sendable (HTTPLoops, TestServer.Seen) -> Void
    private let recorded = Mutex<(events: [Event], requests: [TestServer.Seen], handled: Int)>(([], [], 0))
    /// Called after the recording, on the loop.
    let whenBody = Mutex<(@Sendable (HTTPLoops, ExchangeID, String) -> Void)?>(nil)
    let whenBodyEnds = Mutex<(@Sendable (HTTPLoops, ExchangeID) -> Void)?>(nil)
    let whenWritable = Mutex<(@Sendable (HTTPLoops, ExchangeID) -> Void)?>(nil)

    init(loops: HTTPLoops, answer: @escaping @Sendable (HTTPLoops, TestServer.Seen) -> Void) {
        self.loops = loops
        self.answer = answer
    }

    var events: [Event] { recorded.withLock { $0.events } }
    var requests: [TestServer.Seen] { recorded.withLock { $0.requests } }
    /// How many requests `answer` has returned from. Who goes on with an exchange outside of `answer` waits for this.
    var handled: Int { recorded.withLock { $0.handled } }
    /// All pieces of body together.
    var body: String {
        events.reduce(into: "") { if case .body(let piece) = $1 { $0 += piece } }
    }

    func onRequest(_ exchange: ExchangeID, _ request: HTTPRequestHead) {
        func text(_ bytes: UnsafeBufferPointer<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
        let seen = TestServer.Seen(
            exchange: exchange, method: text(request.method), target: text(request.target),
            authority: text(request.authority), version: request.version, hasBody: request.hasBody,
            peer: text(request.peer), fields: request.fields.map { "\(text($0.nameBytes)): \(text($0.valueBytes))" },
            identity: request.identity)
        recorded.withLock {
            $0.events.append(.request(seen.target))
            $0.requests.append(seen)
        }
        answer(loops, seen)
        recorded.withLock { $0.handled += 1 }
    }

    func onBody(_ exchange: ExchangeID, _ piece: UnsafeRawBufferPointer) {
        let text = String(decoding: piece, as: UTF8.self)
        recorded.withLock { $0.events.append(.body(text)) }
        whenBody.withLock { $0 }?(loops, exchange, text)
    }

    func onBodyEnd(_ exchange: ExchangeID) {
        recorded.withLock { $0.events.append(.bodyEnd) }
        whenBodyEnds.withLock { $0 }?(loops, exchange)
    }

    func onAbort(_ exchange: ExchangeID, _ reason: AbortReason) {
        recorded.withLock { $0.events.append(.abort(reason)) }
    }

    func onWritable(_ exchange: ExchangeID) {
        recorded.withLock { $0.events.append(.writable) }
        whenWritable.withLock { $0 }?(loops, exchange)
    }
}

extension HTTPLoops {
    /// The server's calls with Swift values for arguments.
    @discardableResult
    func answer(
        _ exchange: ExchangeID, status: Int = 200, _ body: String, fields: [(String, String)] = []
    ) -> ExchangeResult {
        withFields(fields) { fields in
            var body = body
            return body.withUTF8 { respond(exchange, status: status, fields: fields, body: UnsafeRawBufferPointer($0)) }
        }
    }

    func answer(
        _ exchange: ExchangeID, status: Int = 200, file: FileLease, fields: [(String, String)] = []
    ) -> ExchangeResult {
        withFields(fields) { respond(exchange, status: status, fields: $0, file: file) }
    }

    @discardableResult
    func begin(
        _ exchange: ExchangeID, status: Int = 200, length: UInt64? = nil, fields: [(String, String)] = []
    ) -> ExchangeResult {
        withFields(fields) { begin(exchange, status: status, fields: $0, length: length) }
    }

    @discardableResult
    func write(_ exchange: ExchangeID, _ text: String) -> ExchangeResult {
        var text = text
        return text.withUTF8 { write(exchange, UnsafeRawBufferPointer($0)) }
    }

    private func withFields(
        _ fields: [(String, String)], _ body: (UnsafeBufferPointer<HTTPField>) -> ExchangeResult
    ) -> ExchangeResult {
        let bytes = fields.flatMap { Array($0.0.utf8) + Array($0.1.utf8) }
        return bytes.withUnsafeBufferPointer { memory in
            var offset = 0
            func next(_ text: String) -> UnsafePointer<UInt8>? {
                defer { offset += text.utf8.count }
                return memory.baseAddress.map { $0 + offset }
            }
            let list = fields.map { name, value in
                HTTPField(
                    name: next(name), nameLength: name.utf8.count, value: next(value), valueLength: value.utf8.count)
            }
            return list.withUnsafeBufferPointer(body)
        }
    }
}

/// Looks again and again, for ten seconds at most, until something is so.
func eventually(_ condition: () -> Bool) -> Bool {
    let deadline = coarseNow() + 10_000_000_000
    while coarseNow() < deadline {
        if condition() { return true }
        usleep(2000)
    }
    return condition()
}
