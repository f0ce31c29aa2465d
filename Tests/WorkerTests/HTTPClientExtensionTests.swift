@testable import Worker
import FoundationEssentials
import Glibc
import Locks
import MusterABI
import NetworkTesting
import Testing

/// The C table, called as a plugin calls it, and a real server on the other side.
@Suite struct HTTPClientExtensionTests {
    /// A plugin's side of its transfers.
    private final class Calls: Sendable {
        struct Result: Equatable {
            var code: muster_http_client_code
            var status: UInt32
            var bytes: UInt64
            var retryAfter: UInt64
            var date: Int64
            var retry: UInt32
        }

        struct Seen {
            var heads: [String] = []
            var body: [UInt8] = []
            var results: [Result] = []
            var reason = ""
        }

        let seen = Locked(Seen())
        var now: Seen { seen.withLock { $0 } }

        static func at(_ context: UnsafeMutableRawPointer?) -> Calls? {
            context.map { Unmanaged<Calls>.fromOpaque($0).takeUnretainedValue() }
        }

        var handler: muster_http_client_handler {
            var handler = muster_http_client_handler()
            handler.struct_size = UInt32(MemoryLayout<muster_http_client_handler>.size)
            handler.context = Unmanaged.passUnretained(self).toOpaque()
            handler.on_head = { context, _, answer in
                guard let answer = answer?.pointee else { return }
                let token = "x-TOKEN".withABI { answer.find_header?(answer.context, $0) ?? muster_string() }
                let missing = "nothing".withABI { answer.find_header?(answer.context, $0) ?? muster_string() }
                let text = [
                    "\(answer.status)", answer.url.text(limit: 1000) ?? "", "\(answer.content_length)",
                    "\(answer.header_count)", token.text(limit: 1000) ?? "", missing.data == nil ? "-" : "found",
                ].joined(separator: " ")
                Calls.at(context)?.seen.withLock { $0.heads.append(text) }
            }
            handler.on_body = { context, _, piece in
                let bytes = Array(UnsafeBufferPointer(start: piece.data, count: piece.length))
                Calls.at(context)?.seen.withLock { $0.body += bytes }
            }
            handler.on_end = { context, _, result in
                guard let result = result?.pointee else { return }
                let reason = result.reason.text(limit: 10_000) ?? ""
                Calls.at(context)?.seen.withLock { seen in
                    seen.reason = reason
                    seen.results.append(
                        Result(
                            code: result.code, status: result.status, bytes: result.received_bytes,
                            retryAfter: result.retry_after, date: result.date, retry: result.worth_retrying))
                }
            }
            return handler
        }
    }

    private let client: HTTPClientExtension
    private let complaints = Locked<[String]>([])

    init() {
        client = HTTPClientExtension { [complaints] sentence in complaints.withLock { $0.append(sentence) } }
    }

    private func table() throws -> muster_http_client { try #require(client.findTable()).pointee }

    private func request() -> muster_http_client_request {
        var request = muster_http_client_request()
        request.struct_size = UInt32(MemoryLayout<muster_http_client_request>.size)
        return request
    }

    /// Starts what `change` makes of a request; the status, the number and the reason.
    private func start(
        _ calls: Calls, _ url: String, _ change: (inout muster_http_client_request) -> Void = { _ in }
    ) throws -> (status: muster_status, id: muster_http_transfer, reason: String) {
        let table = try table()
        var (request, handler, id) = (request(), calls.handler, muster_http_transfer(0))
        change(&request)
        let (status, error) = ErrorMessage.during { error in
            url.withABI { url in
                request.url = url
                return table.start(table.context, &request, &handler, &id, error)
            }
        }
        return (status, id, error.message ?? "")
    }

    private func waitForEnd(_ calls: Calls) throws {
        let deadline = MonotonicTime.now + 20 * MonotonicTime.second
        while calls.now.results.isEmpty {
            guard MonotonicTime.now < deadline else { throw HarnessFailure("the transfer does not end") }
            usleep(1000)
        }
    }

    @Test func answerReachesThePlugin() throws {
        defer { client.stop() }
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(
                "503 Busy", ["X-Token: yes", "Retry-After: 2", "Date: Sun, 06 Nov 1994 08:49:37 GMT"], text: "later")
        }
        defer { server.stop() }
        let calls = Calls()
        let started = try start(calls, server.url("/x"))
        #expect(started.status == MUSTER_OK && started.id != 0)
        try waitForEnd(calls)
        #expect(calls.now.heads == ["503 \(server.url("/x")) 5 4 yes -"])
        #expect(String(decoding: calls.now.body, as: UTF8.self) == "later")
        #expect(
            calls.now.results == [
                .init(
                    code: MUSTER_HTTP_DONE, status: 503, bytes: 5, retryAfter: 2_000_000_000, date: 784_111_777,
                    retry: 1)
            ])
        #expect(calls.now.reason.isEmpty)
        let table = try table()
        #expect(table.cancel(table.context, started.id) == MUSTER_GONE)
    }

    @Test func everyMemberOfARequestIsUsed() throws {
        defer { client.stop() }
        let authority = try TestIssuer()
        let heads = Locked<[String]>([])
        let tls = ScriptedServer.TLS(
            try authority.issue(["URI:muster:server"]), clientAuthority: authority.certificate)
        let server = try ScriptedServer(tls) { connection in
            while let (head, body) = try? connection.readRequest() {
                heads.withLock {
                    $0.append("\(connection.clientSubject ?? "") \(head)\(String(decoding: body, as: UTF8.self))")
                }
                if head.hasPrefix("GET") {
                    try connection.answer("206 Partial Content", ["Content-Range: bytes 2-5/6"], text: "cdef")
                } else {
                    try connection.answer(text: "posted")
                }
            }
        }
        defer { server.stop() }
        let identity = try authority.issue(["URI:muster:client/1"], commonName: "ws-1")
        func lend(_ data: Data, _ body: (muster_bytes) throws -> Void) rethrows {
            try data.withUnsafeBytes { bytes in
                try body(muster_bytes(data: bytes.bindMemory(to: UInt8.self).baseAddress, length: bytes.count))
            }
        }
        var path = Array("/tmp/client-extension-XXXXXX\0".utf8CString)
        let file = mkstemp(&path)
        defer { close(file) }
        unlink(path)
        _ = pwrite(file, "abXX", 4, 0)
        let (resumed, posted, refused) = (Calls(), Calls(), Calls())
        let name = StableText("X-One")
        let value = StableText("1")
        var field = muster_header(name: name.value, value: value.value)
        let texts = ["muster:server", "muster:other", "\"v1\"", "POST"].map { StableText($0) }
        try lend(identity.certificate) { certificate in
            try lend(identity.privateKey) { key in
                try lend(authority.certificate) { trusted in
                    func secure(_ request: inout muster_http_client_request, _ peer: StableText) {
                        request.expected_peer = peer.value
                        request.client_certificate = certificate
                        request.client_private_key = key
                        request.authority = trusted
                        request.connect_timeout = 5 * MonotonicTime.second
                        request.stall_timeout = 5 * MonotonicTime.second
                        request.total_timeout = 20 * MonotonicTime.second
                        request.body_limit = 100
                        request.bandwidth_limit = 1 << 30
                        request.redirect_limit = 2
                    }
                    let first = try start(resumed, server.url()) { request in
                        secure(&request, texts[0])
                        withUnsafePointer(to: &field) { request.headers = $0 }
                        request.header_count = 1
                        request.resume_offset = 2
                        request.resume_validator = texts[2].value
                        request.flags = MUSTER_HTTP_BODY_TO_DESCRIPTOR
                        request.destination_descriptor = file
                        request.destination_offset = 2
                    }
                    #expect(first.status == MUSTER_OK, "\(first.reason)")
                    try waitForEnd(resumed)
                    let second = try start(posted, server.url()) { request in
                        secure(&request, texts[0])
                        request.method = texts[3].value
                        request.flags = MUSTER_HTTP_BODY_FROM_DESCRIPTOR
                        request.body_descriptor = file
                        request.body_offset = 1
                        request.body_length = 3
                    }
                    #expect(second.status == MUSTER_OK, "\(second.reason)")
                    try waitForEnd(posted)
                    let third = try start(refused, server.url()) { secure(&$0, texts[1]) }
                    #expect(third.status == MUSTER_OK)
                    try waitForEnd(refused)
                }
            }
        }
        #expect(resumed.now.results.map(\.code) == [MUSTER_HTTP_DONE], "\(resumed.now.reason)")
        #expect(resumed.now.body.isEmpty && posted.now.body == Array("posted".utf8))
        var bytes = [UInt8](repeating: 0, count: 10)
        #expect(pread(file, &bytes, 10, 0) == 6 && bytes.prefix(6).elementsEqual("abcdef".utf8))
        let seen = heads.withLock { $0 }
        try #require(seen.count == 2)
        #expect(seen[0].contains("CN=ws-1 GET / ") && seen[0].contains("X-One: 1\r\n"))
        #expect(seen[0].contains("Range: bytes=2-\r\n") && seen[0].contains("If-Range: \"v1\"\r\n"))
        #expect(seen[1].contains("CN=ws-1 POST / ") && seen[1].hasSuffix("\r\n\r\nbcd"))
        #expect(refused.now.results.map(\.code) == [MUSTER_HTTP_WRONG_PEER])
        #expect(refused.now.reason.contains("muster:other") && refused.now.reason.contains("muster:server"))
        withExtendedLifetime((name, value, texts)) {}
    }

    @Test func wrongArgumentsAreInvalidAndNeverTrap() throws {
        defer { client.stop() }
        let table = try table()
        let calls = Calls()
        var (good, handler) = (request(), calls.handler)
        let url = StableText("http://127.0.0.1:9/")
        good.url = url.value
        #expect(table.start(table.context, nil, &handler, nil, nil) == MUSTER_INVALID)
        #expect(table.start(table.context, &good, nil, nil, nil) == MUSTER_INVALID)
        #expect(table.start(nil, &good, &handler, nil, nil) == MUSTER_INVALID)
        var small = good
        small.struct_size = 8
        #expect(table.start(table.context, &small, &handler, nil, nil) == MUSTER_INVALID)
        var smallHandler = handler
        smallHandler.struct_size = UInt32(MUSTER_HTTP_CLIENT_HANDLER_SIZE_1_0) - 1
        #expect(table.start(table.context, &good, &smallHandler, nil, nil) == MUSTER_INVALID)
        var endless = handler
        endless.on_end = nil
        #expect(table.start(table.context, &good, &endless, nil, nil) == MUSTER_INVALID)
        let (lying, huge) = (
            muster_string(data: nil, length: 5), muster_string(data: url.value.data, length: .max)
        )
        let notUTF8: [UInt8] = [0xFF, 0xFE]
        notUTF8.withUnsafeBytes { bytes in
            let broken = muster_string(data: bytes.bindMemory(to: CChar.self).baseAddress, length: 2)
            for text in [lying, huge, broken] {
                for member in [
                    \muster_http_client_request.url, \.method, \.expected_peer, \.proxy, \.resume_validator,
                ] {
                    var wrong = good
                    wrong[keyPath: member] = text
                    #expect(table.start(table.context, &wrong, &handler, nil, nil) == MUSTER_INVALID)
                }
                var field = muster_header(name: text, value: url.value)
                var wrong = good
                withUnsafePointer(to: &field) {
                    wrong.headers = $0
                    wrong.header_count = 1
                    #expect(table.start(table.context, &wrong, &handler, nil, nil) == MUSTER_INVALID)
                }
            }
        }
        for length in [5, Int.max, -1] {
            for member in [
                \muster_http_client_request.body, \.client_certificate, \.client_private_key, \.authority,
            ] {
                var wrong = good
                wrong[keyPath: member] = muster_bytes(data: nil, length: length)
                #expect(table.start(table.context, &wrong, &handler, nil, nil) == MUSTER_INVALID)
            }
        }
        for (count, flags) in [(1, UInt32(0)), (.max, 0), (0, 4), (0, .max)] {
            var wrong = good
            wrong.header_count = count
            wrong.flags = flags
            #expect(table.start(table.context, &wrong, &handler, nil, nil) == MUSTER_INVALID)
        }
        for call in [table.cancel, table.pause_body, table.resume_body] {
            #expect(call?(table.context, 0) == MUSTER_GONE && call?(table.context, .max) == MUSTER_GONE)
            #expect(call?(nil, 1) == MUSTER_INVALID)
        }
        // Nothing was started, so nothing ends.
        client.stop()
        #expect(calls.now.results.isEmpty)
        withExtendedLifetime(url) {}
    }

    @Test func requestWithoutAnExpectedPeerSaysWhatIsMissing() throws {
        defer { client.stop() }
        let started = try start(Calls(), "https://127.0.0.1:9/")
        #expect(started.status == MUSTER_INVALID && started.reason.contains("expected peer"))
        #expect(started.id == 0)
    }

    @Test func stopCancelsWhatRunsAndNothingIsCalledAfterIt() throws {
        let server = try ScriptedServer { $0.waitForClose() }
        defer { server.stop() }
        let calls = Calls()
        for _ in 0..<100 { #expect(try start(calls, server.url()).status == MUSTER_OK) }
        client.stop()
        #expect(calls.now.results.count == 100 && calls.now.results.allSatisfy { $0.code == MUSTER_HTTP_CANCELLED })
        let late = try start(calls, server.url())
        #expect(late.status == MUSTER_WRONG_STATE && late.reason.contains("stops"))
        client.stop()
        #expect(calls.now.results.count == 100)
    }

    @Test func startsNothingWhereNobodyAsks() {
        client.stop()
        #expect(client.findTable() == nil)
        #expect(complaints.withLock { $0.isEmpty })
    }

    @Test func manyMayAskAtATimeAndGetTheSame() throws {
        defer { client.stop() }
        let found = Locked<[Int]>([])
        for _ in 0..<8 {
            TestThread.start { [client] in
                let address = Int(bitPattern: client.findTable())
                found.withLock { $0.append(address) }
            }
        }
        let deadline = MonotonicTime.now + 20 * MonotonicTime.second
        while found.withLock({ $0.count }) < 8, MonotonicTime.now < deadline { usleep(1000) }
        #expect(found.withLock { $0.count } == 8 && Set(found.withLock { $0 }).count == 1)
        #expect(found.withLock { $0.first } != 0)
    }
}
