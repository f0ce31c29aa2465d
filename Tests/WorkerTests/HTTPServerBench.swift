import ControlProtocol
import Glibc
import MusterABI
import NIOPosix
import Networking
import PluginManifest
import Synchronization

@testable import Worker

/// A component's HTTP extension with its loops and a port, and the plugin's side of it.
final class HTTPServerBench {
    struct Taken: Error, CustomStringConvertible { var description: String { "port 80 is taken" } }

    struct Failure: Error {}

    final class Preparing: Sendable { let isOn = Mutex(true) }

    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let http: HTTPServerExtension
    let plugin: HTTPPlugin
    let preparing = Preparing()
    private let port: UInt16
    /// What the last `serve` said.
    private(set) var reason = ""

    init() throws {
        let (descriptor, port) = try Self.listen()
        self.port = port
        let preparing = preparing
        let plans = [("web", Transport.http), ("secure", .https), ("bare", .raw), ("broken", .http)].map {
            ListenerPlan(name: $0.0, transport: $0.1, clientCertificate: .none, maxConnections: 100)
        }
        http = HTTPServerExtension(
            component: "Bench", loops: HTTPLoops(group: group), listeners: plans,
            isPreparing: { preparing.isOn.withLock { $0 } },
            obtain: { name in
                if name == "broken" { throw Taken() }
                return HTTPGrant(descriptors: [descriptor])
            })
        plugin = HTTPPlugin(http.table)
    }

    func stop() {
        http.stopCallbacks()
        try? group.syncShutdownGracefully()
    }

    func serve(_ name: String) -> muster_status {
        let table = http.table.pointee
        var error = muster_error()
        error.struct_size = UInt32(MemoryLayout<muster_error>.size)
        var name = name
        let status = name.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                table.serve(
                    table.context, muster_string(data: text.baseAddress, length: text.count), plugin.handler, nil,
                    &error)
            }
        }
        reason = withUnsafeBytes(of: &error.message) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return status
    }

    /// Sends a request on a connection of its own, closes its half, and reads to the end.
    func exchange(_ request: String) throws -> String {
        let client = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        var limit = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = Self.address(port)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        let bytes = Array(request.utf8)
        guard status == 0, send(client, bytes, bytes.count, CInt(MSG_NOSIGNAL)) == bytes.count else { throw Failure() }
        shutdown(client, CInt(SHUT_WR))
        var all: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(client, &buffer, buffer.count, 0)
            guard count >= 0 else { throw Failure() }
            if count == 0 { return String(decoding: all, as: UTF8.self) }
            all += buffer[..<count]
        }
    }

    private static func listen() throws -> (descriptor: CInt, port: UInt16) {
        let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        var address = address(0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && Glibc.listen(descriptor, 16) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isListening else { throw Failure() }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    private static func address(_ port: UInt16) -> sockaddr_in {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
        return address
    }
}

/// The plugin's side, through the C table alone: tells of each request in its answer, or answers with a file.
final class HTTPPlugin: @unchecked Sendable {
    // Sendable: what changes is within a Mutex; the pointers are constant.

    private static let webText = Array("web".utf8CString)
    private let table: UnsafePointer<muster_http_server>
    let handler: UnsafeMutablePointer<muster_http_handler>
    private let name: UnsafeMutablePointer<CChar>
    private let file: CInt
    private let releases = Mutex(0)

    var webName: muster_string { muster_string(data: name, length: 3) }
    var released: Int { releases.withLock { $0 } }

    init(_ table: UnsafePointer<muster_http_server>) {
        self.table = table
        handler = .allocate(capacity: 1)
        handler.initialize(to: muster_http_handler())
        name = .allocate(capacity: 4)
        name.update(from: Self.webText, count: 4)
        var path = Array("/tmp/http-plugin-XXXXXX\0".utf8CString)
        file = mkstemp(&path)
        unlink(path)
        write(file, "0123456789", 10)
        handler.pointee.struct_size = UInt32(MemoryLayout<muster_http_handler>.size)
        handler.pointee.context = Unmanaged.passUnretained(self).toOpaque()
        handler.pointee.on_request = { context, exchange, request in
            guard let context, let request else { return }
            Unmanaged<HTTPPlugin>.fromOpaque(context).takeUnretainedValue().answer(exchange, request)
        }
    }

    deinit {
        close(file)
        handler.deallocate()
        name.deallocate()
    }

    /// Looks again and again, for ten seconds at most.
    func eventually(_ condition: (HTTPPlugin) -> Bool) -> Bool {
        for _ in 0..<5000 {
            if condition(self) { return true }
            usleep(2000)
        }
        return condition(self)
    }

    private func answer(_ exchange: muster_exchange, _ request: UnsafePointer<muster_http_request>) {
        let head = request.pointee
        if text(head.target) == "/file" {
            _ = respondFile(exchange, offset: 2)
            return
        }
        let token = withString("x-TOKEN") { head.find_header(request, $0) }
        let missing = withString("nothing") { head.find_header(request, $0) }
        let told = [
            text(head.method), text(head.target), text(head.authority), "\(head.version)", "\(head.has_body)",
            "\(head.header_count)", text(token), missing.data == nil ? "-" : text(missing),
        ].joined(separator: " ")
        _ = withString("X-Answer") { name in
            withString("yes") { value in
                withString(told) { body in
                    var field = muster_header(name: name, value: value)
                    let bytes = UnsafeRawPointer(body.data)?.assumingMemoryBound(to: UInt8.self)
                    return table.pointee.respond(
                        table.pointee.context, exchange, 200, &field, 1, muster_bytes(data: bytes, length: body.length))
                }
            }
        }
    }

    /// Answers with four bytes of the file.
    func respondFile(_ exchange: muster_exchange, offset: UInt64, field: String? = nil) -> muster_status {
        var part = muster_file()
        part.struct_size = UInt32(MemoryLayout<muster_file>.size)
        part.context = Unmanaged.passUnretained(self).toOpaque()
        part.release = { context in
            guard let context else { return }
            Unmanaged<HTTPPlugin>.fromOpaque(context).takeUnretainedValue().releases.withLock { $0 += 1 }
        }
        part.descriptor = file
        part.offset = offset
        part.length = 4
        return withString(field ?? "") { name in
            var header = muster_header(name: name, value: muster_string())
            return table.pointee.respond_file(
                table.pointee.context, exchange, 206, &header, field == nil ? 0 : 1, &part)
        }
    }

    private func text(_ string: muster_string) -> String {
        String(decoding: UnsafeRawBufferPointer(start: string.data, count: string.length), as: UTF8.self)
    }

    private func withString<Result>(_ text: String, _ body: (muster_string) -> Result) -> Result {
        var text = text
        return text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { body(muster_string(data: $0.baseAddress, length: $0.count)) }
        }
    }
}
