import Testing

@testable import Networking

@Suite struct LimitTests {
    static let millisecond: UInt64 = 1_000_000

    @Test func longRequestLineIs414() throws {
        let server = try TestServer(HTTPLimits(headBytes: 1024))
        defer { server.stop() }
        let line = "GET /\(String(repeating: "a", count: 2000)) HTTP/1.1\r\nHost: a\r\n\r\n"
        #expect(try server.exchange(line).status == 414)
    }

    @Test func endlessEmptyLinesAreRefused() throws {
        let server = try TestServer(HTTPLimits(headBytes: 1024))
        defer { server.stop() }
        #expect(try server.exchange(String(repeating: "\r\n", count: 2000)).status == 414)
    }

    @Test func largeFieldsAre431() throws {
        let server = try TestServer(HTTPLimits(headBytes: 1024))
        defer { server.stop() }
        let request = "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 2000))\r\n\r\n"
        #expect(try server.exchange(request).status == 431)
    }

    @Test func headOfExactlyTheLimitPassesAndOneByteMoreDoesNot() throws {
        let server = try TestServer(HTTPLimits(headBytes: 512))
        defer { server.stop() }
        func request(_ size: Int) -> String {
            let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n"
            return "GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "b", count: size - frame.utf8.count))\r\n\r\n"
        }
        #expect(try server.exchange(request(512)).status == 200)
        #expect(try server.exchange(request(513)).status == 431)
    }

    @Test func manyFieldsAre431() throws {
        let server = try TestServer(HTTPLimits(headerCount: 10))
        defer { server.stop() }
        let nine = String(repeating: "X: y\r\n", count: 9)
        #expect(try server.exchange("GET / HTTP/1.1\r\nHost: a\r\n\(nine)\r\n").status == 200)
        #expect(try server.exchange("GET / HTTP/1.1\r\nHost: a\r\n\(nine)X: y\r\n\r\n").status == 431)
    }

    @Test func announcedBodyBeyondTheLimitIs413BeforeItComes() throws {
        let server = try TestServer(HTTPLimits(bodyBytes: 10))
        defer { server.stop() }
        #expect(try server.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n").status == 413)
        #expect(server.handler.events.isEmpty)
        #expect(try server.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789").status == 200)
    }

    @Test func chunkedBodyBeyondTheLimitIs413WhenItPassesIt() throws {
        let server = try TestServer(HTTPLimits(bodyBytes: 10)) { _, _ in }
        defer { server.stop() }
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(try server.exchange("\(head)8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n").status == 413)
        #expect(server.handler.events == [.request("/"), .body("01234567"), .abort(.badRequest)])
    }

    @Test func endlessChunkExtensionsAreRefused() throws {
        let server = try TestServer(HTTPLimits(headBytes: 1024)) { _, _ in }
        defer { server.stop() }
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        #expect(try server.exchange("\(head)1;x=\(String(repeating: "y", count: 4000))").status == 400)
        #expect(server.handler.events.last == .abort(.badRequest))
    }

    @Test func largeTrailersAreRefused() throws {
        let server = try TestServer(HTTPLimits(headBytes: 256)) { _, _ in }
        defer { server.stop() }
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n"
        let body = String(repeating: "b", count: 64)
        #expect(
            try server.exchange("\(head)\(body)\r\n0\r\nT: \(String(repeating: "y", count: 400))\r\n\r\n").status == 431
        )
    }

    @Test func slowHeadIs408() throws {
        let server = try TestServer(HTTPLimits(headTimeout: 100 * Self.millisecond))
        defer { server.stop() }
        let answer = try server.exchange("GET / HTTP/1.1\r\nHo")
        #expect(answer.status == 408)
        #expect(answer.field("Connection") == "close")
    }

    @Test func trickledHeadIs408ThoughBytesKeepComing() throws {
        let server = try TestServer(HTTPLimits(headTimeout: 200 * Self.millisecond))
        defer { server.stop() }
        let client = try server.connect()
        try client.send("GET / HTTP/1.1\r\nX: ")
        // One byte at a time, until the server has had enough.
        let refused = eventually {
            _ = client.sendWhatFits([UInt8(ascii: "a")])
            return !client.isSilent()
        }
        #expect(refused)
        #expect(try client.answer().status == 408)
    }

    @Test func silentNewConnectionIsClosedWithoutAWord() throws {
        let server = try TestServer(HTTPLimits(headTimeout: 100 * Self.millisecond))
        defer { server.stop() }
        let client = try server.connect()
        #expect(client.isAtEnd())
    }

    @Test func idleConnectionIsClosedWithoutAWord() throws {
        let server = try TestServer(HTTPLimits(idleTimeout: 100 * Self.millisecond))
        defer { server.stop() }
        let client = try server.connect()
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.answer().status == 200)
        #expect(client.isAtEnd())
    }

    @Test func stalledBodyIs408AndAbortsTheExchange() throws {
        let server = try TestServer(HTTPLimits(stallTimeout: 100 * Self.millisecond)) { _, _ in }
        defer { server.stop() }
        #expect(try server.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab").status == 408)
        #expect(server.handler.events == [.request("/"), .body("ab"), .abort(.timeout)])
    }

    @Test func missingAnswerIs503AndAbortsTheExchange() throws {
        let server = try TestServer(HTTPLimits(answerTimeout: 100 * Self.millisecond)) { _, _ in }
        defer { server.stop() }
        #expect(try server.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 503)
        #expect(server.handler.events == [.request("/"), .abort(.timeout)])
        let exchange = try #require(server.handler.requests.first?.exchange)
        #expect(server.loops.answer(exchange, "late") == .gone)
    }

    @Test func clientThatDoesNotReadItsAnswerIsCutOff() throws {
        let big = String(repeating: "x", count: 8 << 20)
        let server = try TestServer(HTTPLimits(stallTimeout: 150 * Self.millisecond)) { loops, seen in
            loops.answer(seen.exchange, big)
        }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 4096)
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(
            eventually { server.server.activity.acceptedConnections == 1 && server.server.activity.connections == 0 })
    }

    @Test func pausedBodyDoesNotStall() throws {
        let limits = HTTPLimits(stallTimeout: 50 * Self.millisecond, answerTimeout: 400 * Self.millisecond)
        let server = try TestServer(limits) { loops, seen in _ = loops.pauseBody(seen.exchange) }
        defer { server.stop() }
        // The stall limit would say 408 long before; the answer limit says 503.
        #expect(try server.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab").status == 503)
        #expect(server.handler.events == [.request("/"), .abort(.timeout)])
    }
}
