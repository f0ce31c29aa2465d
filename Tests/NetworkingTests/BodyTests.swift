import Testing

@testable import Networking

@Suite struct BodyTests {
    /// A server that answers when the body is whole.
    static func collecting(_ limits: HTTPLimits = HTTPLimits()) throws -> TestServer {
        let server = try TestServer(limits) { loops, seen in if !seen.hasBody { loops.answer(seen.exchange, "none") } }
        server.handler.whenBodyEnds.withLock { $0 = { loops, exchange in loops.answer(exchange, "whole") } }
        return server
    }

    @Test func bodyByLengthArrivesWhole() throws {
        let server = try Self.collecting()
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n01234")
        #expect(eventually { server.handler.body == "01234" })
        try client.send("56789GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.answer().body == "whole")
        #expect(try client.answer().body == "none")
        #expect(server.handler.body == "0123456789")
        #expect(server.handler.events.contains(.bodyEnd))
    }

    @Test func chunkedBodyWithExtensionsAndTrailersArrivesWhole() throws {
        let server = try Self.collecting()
        defer { server.stop() }
        let client = try server.connect()
        try client.send(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "5;a=b\r\nhello\r\n6 \r\n world\r\n0\r\nX-Trailer: y\r\n\r\n".replacing("6 ", with: "6")
                + "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.answer().body == "whole")
        #expect(try client.answer().body == "none")
        #expect(server.handler.body == "hello world")
        #expect(server.handler.requests.last?.fields == ["Host: a"])
    }

    @Test(arguments: ["x\r\n", "5\nhello", "5\r\nhelloX\r\n", "-1\r\n", "fffffffffffffffff\r\n", "5\r\nhello\n0\n\n"])
    func malformedChunksAre400AndAbortTheExchange(_ chunks: String) throws {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        let answer = try server.exchange("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)")
        #expect(answer.status == 400)
        #expect(server.handler.events.last == .abort(.badRequest))
    }

    @Test func continueIsSentWhenTheHandlerWaitsForTheBody() throws {
        let server = try Self.collecting()
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-Continue\r\n\r\n")
        #expect(try client.answer().status == 100)
        try client.send("ab")
        #expect(try client.answer().body == "whole")
    }

    @Test func noContinueWhereTheAnswerIsGivenAtOnceAndTheConnectionCloses() throws {
        let server = try TestServer { loops, seen in loops.answer(seen.exchange, status: 403, "no") }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.status == 403)
        #expect(answer.field("Connection") == "close")
        #expect(client.isAtEnd())
    }

    @Test func noContinueWhereTheBodyIsThereAlready() throws {
        let server = try Self.collecting()
        defer { server.stop() }
        #expect(
            try server.exchange("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nab")
                .status
                == 200)
    }

    @Test func continueWaitsForAPausedBody() throws {
        let server = try TestServer { loops, seen in _ = loops.pauseBody(seen.exchange) }
        server.handler.whenBodyEnds.withLock { $0 = { loops, exchange in loops.answer(exchange, "whole") } }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        #expect(eventually { server.handler.handled == 1 })
        #expect(client.isSilent())
        #expect(server.loops.resumeBody(try #require(server.handler.requests.first?.exchange)) == .done)
        #expect(try client.answer().status == 100)
        try client.send("ab")
        #expect(try client.answer().body == "whole")
    }

    @Test func pausedBodyHoldsTheClientBackAndResumes() throws {
        let size = 16 << 20
        let server = try TestServer(HTTPLimits(bodyBytes: UInt64(size))) { loops, seen in
            _ = loops.pauseBody(seen.exchange)
        }
        server.handler.whenBodyEnds.withLock { $0 = { loops, exchange in loops.answer(exchange, "whole") } }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n")
        #expect(eventually { server.handler.handled == 1 })
        var sent = 0
        let piece = [UInt8](repeating: UInt8(ascii: "b"), count: 1 << 20)
        while sent < size {
            let count = client.sendWhatFits(Array(piece.prefix(size - sent)))
            if count == 0 { break }
            sent += count
        }
        #expect(sent < size)
        #expect(server.handler.events == [.request("/")])
        #expect(server.loops.resumeBody(try #require(server.handler.requests.first?.exchange)) == .done)
        try client.send([UInt8](repeating: UInt8(ascii: "b"), count: size - sent))
        #expect(try client.answer().body == "whole")
        #expect(server.handler.body.utf8.count == size)
    }

    @Test func bodyPausedAtEachPieceArrivesWhole() throws {
        let server = try Self.collecting()
        server.handler.whenBody.withLock {
            $0 = { loops, exchange, _ in
                _ = loops.pauseBody(exchange)
                loops.group.next().execute { _ = loops.resumeBody(exchange) }
            }
        }
        defer { server.stop() }
        let answer = try server.exchange(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n")
        #expect(answer.body == "whole")
        #expect(server.handler.body == "abc")
    }

    @Test func smallRestOfABodyIsThrownAwayAfterAnEarlyAnswer() throws {
        let server = try TestServer { loops, seen in loops.answer(seen.exchange, seen.target) }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
        let answer = try client.answer()
        #expect(answer.body == "/1")
        #expect(answer.field("Connection") == nil)
        try client.send("helloGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.answer().body == "/2")
        #expect(server.handler.body == "")
    }

    @Test func clientThatSendsALargeBodyStillReadsAnEarlyAnswer() throws {
        let server = try TestServer(HTTPLimits(bodyBytes: 64 << 20)) { loops, seen in
            loops.answer(seen.exchange, status: 403, "no")
        }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(4 << 20)\r\n\r\n")
        try client.send([UInt8](repeating: 0, count: 4 << 20))
        let answer = try client.answer()
        #expect(answer.status == 403)
        #expect(answer.field("Connection") == "close")
        #expect(client.isAtEnd())
    }

    @Test func clientThatSendsTooMuchStillReadsThe413() throws {
        let server = try TestServer(HTTPLimits(bodyBytes: 1024))
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(2 << 20)\r\n\r\n")
        try client.send([UInt8](repeating: 0, count: 2 << 20))
        #expect(try client.answer().status == 413)
    }

    @Test func clientThatLeavesInTheMiddleOfItsBodyAbortsTheExchange() throws {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab")
        #expect(eventually { server.handler.body == "ab" })
        client.close()
        #expect(eventually { server.handler.events.last == .abort(.clientGone) })
        #expect(!server.handler.events.contains(.bodyEnd))
    }

    @Test func nothingIsCalledForAnExchangeThatWasAnsweredInTheMiddleOfItsBody() throws {
        let server = try TestServer { _, _ in }
        server.handler.whenBody.withLock { $0 = { loops, exchange, _ in loops.answer(exchange, "enough") } }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
        #expect(try client.answer().body == "enough")
        try client.send("cdGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { server.handler.handled == 2 })
        #expect(server.handler.events == [.request("/"), .body("ab"), .request("/2")])
    }

    @Test func abortWithinOnBodyIsSafe() throws {
        let server = try TestServer { _, _ in }
        server.handler.whenBody.withLock { $0 = { loops, exchange, _ in _ = loops.abort(exchange) } }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n")
        #expect(throws: ClientSocket.Failure.self) { _ = try client.receive() }
        #expect(server.handler.events == [.request("/"), .body("a")])
    }
}
