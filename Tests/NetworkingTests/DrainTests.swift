import Glibc
import Synchronization
import Testing

@testable import Networking

@Suite struct DrainTests {
    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    static let second: UInt64 = 1_000_000_000

    final class Flag: Sendable {
        private let count = Mutex(0)
        var times: Int { count.withLock { $0 } }
        func raise() { count.withLock { $0 += 1 } }
    }

    @Test func drainWithoutConnectionsIsDoneAtOnceAndOnce() throws {
        let server = try TestServer()
        defer { server.stop() }
        let done = Flag()
        server.server.drain(deadline: coarseNow() + 30 * Self.second) { done.raise() }
        #expect(eventually { done.times == 1 })
    }

    @Test func nextAnswerSaysCloseAndTheDrainIsDone() throws {
        let server = try TestServer()
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get)
        #expect(try client.answer().field("Connection") == nil)
        let done = Flag()
        server.server.drain(deadline: coarseNow() + 30 * Self.second) { done.raise() }
        #expect(eventually { (try? server.connect()) == nil })
        try client.send(Self.get)
        #expect(try client.answer().field("Connection") == "close")
        #expect(client.isAtEnd())
        client.close()
        #expect(eventually { done.times == 1 })
    }

    @Test func idleConnectionIsKeptForTheGraceAndThenClosedWithoutReset() throws {
        let server = try TestServer(HTTPLimits(drainGrace: 300_000_000))
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get)
        _ = try client.answer()
        let start = coarseNow()
        let done = Flag()
        server.server.drain(deadline: start + 30 * Self.second) { done.raise() }
        #expect(client.isAtEnd())
        #expect(coarseNow() - start >= 290_000_000)
        // What was on its way is swallowed, not answered with a reset.
        try client.send(Self.get)
        #expect(client.isAtEnd())
        client.close()
        #expect(eventually { done.times == 1 })
    }

    @Test func pipelinedRequestsAreStillAnswered() throws {
        let server = try TestServer { loops, seen in
            if seen.target != "/first" { loops.answer(seen.exchange, seen.target) }
        }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(
            "GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\nGET /third HTTP/1.1\r\nHost: a\r\n\r\n"
        )
        #expect(eventually { server.handler.handled == 1 })
        let done = Flag()
        server.server.drain(deadline: coarseNow() + 30 * Self.second) { done.raise() }
        #expect(server.loops.answer(try #require(server.handler.requests.first?.exchange), "/first") == .done)
        let answers = try [client.answer(), client.answer(), client.answer()]
        #expect(answers.map(\.body) == ["/first", "/second", "/third"])
        #expect(answers.map { $0.field("Connection") } == [nil, nil, "close"])
        #expect(client.isAtEnd())
        client.close()
        #expect(eventually { done.times == 1 })
    }

    @Test func answerUnderWayFinishes() throws {
        let server = try TestServer { loops, seen in
            loops.begin(seen.exchange, length: 10)
            loops.write(seen.exchange, "hello")
        }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get)
        #expect(eventually { server.handler.handled == 1 })
        let done = Flag()
        server.server.drain(deadline: coarseNow() + 30 * Self.second) { done.raise() }
        let exchange = try #require(server.handler.requests.first?.exchange)
        #expect(server.loops.write(exchange, "world") == .done)
        #expect(server.loops.end(exchange) == .done)
        #expect(try client.answer().body == "helloworld")
        #expect(done.times == 0)
        client.close()
        #expect(eventually { done.times == 1 })
    }

    @Test func deadlineCutsWhatIsLeft() throws {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get)
        #expect(eventually { server.handler.handled == 1 })
        let done = Flag()
        server.server.drain(deadline: coarseNow() + 200_000_000) { done.raise() }
        #expect(eventually { done.times == 1 })
        #expect(server.handler.events.last == .abort(.shutdown))
        #expect((try? client.receive().isEmpty) ?? true)
    }

    @Test func closeEndsConnectionsWithoutCallingTheHandler() throws {
        let server = try TestServer { _, _ in }
        let client = try server.connect()
        try client.send(Self.get)
        #expect(eventually { server.handler.handled == 1 })
        server.stop()
        #expect(server.handler.events == [.request("/")])
        #expect(server.loops.answer(try #require(server.handler.requests.first?.exchange), "late") == .gone)
    }

    @Test func sharedSocketGoesOnListeningForItsOtherHolderAfterADrain() throws {
        let (descriptor, port) = try TestServer.listen()
        let copy = dup(descriptor)
        defer { close(copy) }
        let server = try TestServer()
        defer { server.stop() }
        try server.server.adopt(descriptor: descriptor)
        let done = Flag()
        server.server.drain(deadline: coarseNow() + 30 * Self.second) { done.raise() }
        #expect(eventually { done.times == 1 })
        var isListening: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        #expect(getsockopt(copy, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0)
        #expect(isListening == 1)
        // Connects queue, and whoever holds the socket next serves them.
        let client = try ClientSocket(port: port)
        try client.send(Self.get)
        let next = try TestServer()
        defer { next.stop() }
        try next.server.adopt(descriptor: dup(copy))
        next.server.startAccepting()
        #expect(try client.answer().body == "ok")
    }
}
