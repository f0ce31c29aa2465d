import Glibc
import NIOPosix
import Synchronization
import Testing

@testable import Networking

@Suite struct AnsweringTests {
    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func answerCarriesDateLengthAndTheHandlersFields() throws {
        let server = try TestServer { loops, seen in
            loops.answer(seen.exchange, "hello", fields: [("Content-Type", "text/plain"), ("X-Empty", "")])
        }
        defer { server.stop() }
        let answer = try server.exchange(Self.get)
        #expect(answer.head.hasPrefix("HTTP/1.1 200 OK\r\nDate: "))
        #expect(answer.field("Date")?.hasSuffix(" GMT") == true)
        #expect(answer.field("Content-Type") == "text/plain")
        #expect(answer.field("X-Empty") == "")
        #expect(answer.field("Content-Length") == "5")
        #expect(answer.field("Connection") == nil)
        #expect(answer.body == "hello")
    }

    @Test func secondAnswerIsGoneOnTheLoop() throws {
        let second = Mutex<ExchangeResult?>(nil)
        let server = try TestServer { loops, seen in
            loops.answer(seen.exchange, "one")
            let result = loops.answer(seen.exchange, "two")
            second.withLock { $0 = result }
        }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get + Self.get)
        #expect(try client.answer().body == "one")
        #expect(try client.answer().body == "one")
        #expect(second.withLock { $0 } == .gone)
    }

    @Test func ofManyAnswersFromManyThreadsOneIsSent() throws {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        let client = try server.connect()
        for round in 1...50 {
            try client.send(Self.get)
            #expect(eventually { server.handler.handled == round })
            let exchange = try #require(server.handler.requests.last?.exchange)
            let results = Mutex<[ExchangeResult]>([])
            let threads = NIOThreadPool(numberOfThreads: 4)
            threads.start()
            for _ in 0..<8 {
                threads.submit { _ in
                    let result = server.loops.answer(exchange, "\(round)")
                    results.withLock { $0.append(result) }
                }
            }
            #expect(try client.answer().body == "\(round)")
            try threads.syncShutdownGracefully()
            #expect(results.withLock { $0.filter { $0 == .done }.count } == 1)
            #expect(results.withLock { $0.filter { $0 == .gone }.count } == 7)
        }
        #expect(client.isSilent())
    }

    @Test func oldAndInventedNumbersAreGone() throws {
        let server = try TestServer()
        defer { server.stop() }
        _ = try server.exchange(Self.get)
        let old = try #require(server.handler.requests.first?.exchange)
        let numbers =
            [old.rawValue, 0, 1, .max, old.rawValue + 1, old.rawValue | 1 << 56, old.rawValue + (1 << 20)]
            .map(ExchangeID.init(rawValue:))
        for number in numbers {
            #expect(server.loops.answer(number, "late") == .gone)
            #expect(server.loops.begin(number) == .gone)
            #expect(server.loops.write(number, "late") == .gone)
            #expect(server.loops.end(number) == .gone)
            #expect(server.loops.abort(number) == .gone)
            #expect(server.loops.pauseBody(number) == .gone)
            #expect(server.loops.resumeBody(number) == .gone)
        }
    }

    @Test func clientThatLeavesAbortsTheExchange() throws {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get)
        #expect(eventually { server.handler.handled == 1 })
        client.close()
        #expect(eventually { server.handler.events.last == .abort(.clientGone) })
        let exchange = try #require(server.handler.requests.first?.exchange)
        #expect(server.loops.answer(exchange, "late") == .gone)
        #expect(eventually { server.server.activity.connections == 0 })
        #expect(server.server.activity.exchanges == 0)
    }

    @Test func clientThatResetsAbortsTheExchange() throws {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get)
        #expect(eventually { server.handler.handled == 1 })
        client.reset()
        #expect(eventually { server.handler.events.last == .abort(.clientGone) })
    }

    @Test func halfClosedClientStillGetsAnAnswerThatIsGivenAtOnce() throws {
        let server = try TestServer()
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get + Self.get)
        client.closeOutput()
        #expect(try client.answer().status == 200)
        #expect(try client.answer().status == 200)
        #expect(client.isAtEnd())
    }

    @Test func headHasTheLengthAndNoBody() throws {
        let server = try TestServer { loops, seen in loops.answer(seen.exchange, "hello") }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
        let answer = try client.answer(toHead: true)
        #expect(answer.field("Content-Length") == "5")
        #expect(try client.answer().body == "hello")
    }

    @Test(arguments: [(204, nil), (304, "5")])
    func bodilessStatusHasNoBody(_ status: Int, _ length: String?) throws {
        let server = try TestServer { loops, seen in loops.answer(seen.exchange, status: status, "hello") }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get + Self.get)
        #expect(try client.answer().field("Content-Length") == length)
        #expect(try client.answer().status == status)
        #expect(client.isSilent())
    }

    @Test(arguments: [
        ("Date", "x"), ("connection", "x"), ("Content-length", "1"), ("TRANSFER-ENCODING", "chunked"), ("", "x"),
        ("a b", "x"), ("a:", "x"), ("a\u{e9}", "x"), ("X", "a\r\nB: c"), ("X", "a\0"), ("X", "a\u{7f}"),
    ])
    func forbiddenFieldIsInvalidAndLeavesTheExchangeOpen(_ name: String, _ value: String) throws {
        let result = Mutex<[ExchangeResult]>([])
        let server = try TestServer { loops, seen in
            let refused = loops.answer(seen.exchange, "no", fields: [(name, value)])
            let accepted = loops.answer(seen.exchange, "yes", fields: [("X-\u{7e}", "a\tb \u{e9}")])
            result.withLock { $0 = [refused, accepted] }
        }
        defer { server.stop() }
        #expect(try server.exchange(Self.get).body == "yes")
        #expect(result.withLock { $0 } == [.invalid, .done])
    }

    @Test(arguments: [0, 100, 199, 600, 1000])
    func statusThatIsNotFinalIsInvalid(_ status: Int) throws {
        let result = Mutex<ExchangeResult?>(nil)
        let server = try TestServer { loops, seen in
            let refused = loops.answer(seen.exchange, status: status, "no")
            result.withLock { $0 = refused }
            loops.answer(seen.exchange, "yes")
        }
        defer { server.stop() }
        #expect(try server.exchange(Self.get).body == "yes")
        #expect(result.withLock { $0 } == .invalid)
    }

    @Test func oldVersionClosesUnlessAskedToKeepAlive() throws {
        let server = try TestServer()
        defer { server.stop() }
        let client = try server.connect()
        try client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(try client.answer().field("Connection") == "keep-alive")
        try client.send("GET / HTTP/1.0\r\n\r\n")
        #expect(try client.answer().field("Connection") == "close")
        #expect(client.isAtEnd())
    }

    @Test func connectionIsClosedWhereTheClientAsksForIt() throws {
        let server = try TestServer()
        defer { server.stop() }
        let client = try server.connect()
        try client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, close\r\n\r\n")
        #expect(try client.answer().field("Connection") == "close")
        #expect(client.isAtEnd())
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() throws {
        let server = try TestServer { loops, seen in loops.answer(seen.exchange, seen.target) }
        defer { server.stop() }
        let client = try server.connect()
        // Far more than is read at once.
        let count = 2000
        try client.send((0..<count).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
        for index in 0..<count { #expect(try client.answer().body == "/\(index)") }
    }

    @Test func pipelinedRequestWaitsForTheAnswerBeforeIt() throws {
        let server = try TestServer { loops, seen in if seen.target == "/2" { loops.answer(seen.exchange, "two") } }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { server.handler.handled == 1 })
        #expect(server.loops.answer(try #require(server.handler.requests.first?.exchange), "one") == .done)
        #expect(try client.answer().body == "one")
        #expect(try client.answer().body == "two")
    }

    @Test func clientThatPipelinesWithoutEndIsHeldBack() throws {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        let client = try server.connect()
        let requests = Array(String(repeating: Self.get, count: 4000).utf8)
        try client.send(Self.get)
        #expect(eventually { server.handler.handled == 1 })
        // The kernel's buffers fill, and then nothing more fits.
        #expect(eventually { client.sendWhatFits(requests) <= 0 && client.sendWhatFits(requests) <= 0 })
        #expect(server.server.activity.receivedBytes < 1 << 20)
        #expect(server.handler.requests.count == 1)
    }

    @Test func abortResetsTheConnection() throws {
        let server = try TestServer { loops, seen in _ = loops.abort(seen.exchange) }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get)
        #expect(throws: ClientSocket.Failure.self) { _ = try client.receive() }
        #expect(server.handler.events == [.request("/")])
        #expect(eventually { server.server.activity.connections == 0 })
    }

    @Test func activityCountsWhatHappened() throws {
        let server = try TestServer { loops, seen in
            loops.answer(seen.exchange, status: seen.target == "/no" ? 404 : 200, "ok")
        }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /no HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try client.answer()
        _ = try client.answer()
        _ = try server.exchange("GET / HTTP/1.1\r\n\r\n")
        let activity = server.server.activity
        #expect(activity.acceptedConnections == 2)
        #expect(activity.requests == 3)
        #expect(activity.responsesByClass == [0, 1, 0, 2, 0])
        #expect(activity.exchanges == 0)
        #expect(activity.receivedBytes > 60)
        #expect(activity.sentBytes > 200)
    }
}
