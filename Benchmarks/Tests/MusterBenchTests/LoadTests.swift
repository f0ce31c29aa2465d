import Glibc
import Testing

@testable import MusterBench

/// A client that counted failures wrongly would make every promise look kept.
@Suite struct LoadTests {
    static let good = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"

    private func failure(of act: ScriptedServer.Act, timeoutSeconds: Int = 10) throws -> Failure? {
        let server = try ScriptedServer([act])
        defer { server.finish() }
        do throws(Failure) {
            let connection = try ClientConnection(to: server.endpoint, timeoutSeconds: timeoutSeconds)
            try connection.send(ClientConnection.request("/"))
            _ = try connection.receive(expecting: Array("abc".utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test func goodAnswerIsNoFailure() throws {
        #expect(try failure(of: .answer(Self.good)) == nil)
    }

    @Test func closeBeforeTheAnswerIsToldFromOneWithinIt() throws {
        #expect(try failure(of: .close) == .closed(.beforeAnswer))
        #expect(try failure(of: .answer("HTTP/1.1 200 OK\r\nConte")) == .closed(.inAnswer))
        #expect(try failure(of: .answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab")) == .closed(.inAnswer))
    }

    @Test func resetIsAFailureOfItsOwn() throws {
        #expect(try failure(of: .reset) == .reset(.beforeAnswer))
    }

    @Test func wrongStatusAndWrongBodyAreFailures() throws {
        #expect(try failure(of: .answer("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")) == .wrongStatus(503))
        #expect(try failure(of: .answer("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabd")) == .wrongBody)
        #expect(try failure(of: .answer("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")) == .wrongBody)
        #expect(try failure(of: .answer("SSH-2.0-hello\r\n\r\n")) == .notHTTP)
        #expect(try failure(of: .answer("HTTP/1.1 200 OK\r\n\r\nabc")) == .notHTTP)
    }

    @Test func silenceEndsInATimeout() throws {
        #expect(try failure(of: .silence, timeoutSeconds: 1) == .timedOut(.beforeAnswer))
    }

    @Test func nobodyListeningIsRefused() throws {
        let endpoint = Endpoint(port: try PortChoice().next())
        #expect(throws: Failure.refused) { try ClientConnection(to: endpoint) }
    }

    @Test func onlyACutConnectionIsExplainedByAKill() {
        for stage in [Failure.Stage.request, .beforeAnswer, .inAnswer] {
            #expect(Failure.reset(stage).isCutConnection)
            #expect(Failure.closed(stage).isCutConnection)
            #expect(!Failure.timedOut(stage).isCutConnection)
        }
        #expect(Failure.failed(.request, EPIPE).isCutConnection)
        for failure in [Failure.refused, .connectTimedOut, .wrongStatus(503), .wrongBody, .notHTTP] {
            #expect(!failure.isCutConnection)
        }
    }

    @Test func oneConnectionCarriesSeveralAnswers() throws {
        let server = try ScriptedServer([.answer(Self.good + Self.good)])
        defer { server.finish() }
        let connection = try ClientConnection(to: server.endpoint)
        try connection.send(ClientConnection.request("/"))
        let body = Array("abc".utf8)
        let answer = ClientConnection.Answer(status: 200, bodyLength: 3, closes: false)
        #expect(try connection.receive(expecting: body) == answer)
        #expect(try connection.receive(expecting: body).status == 200)
        #expect(throws: Failure.closed(.beforeAnswer)) { try connection.receive(expecting: body) }
    }

    @Test func discardedBodyIsCountedInFullOrFails() throws {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
        let server = try ScriptedServer([
            .answer(head + String(repeating: "x", count: 100_000)),
            .answer(head + String(repeating: "x", count: 99_999)),
        ])
        defer { server.finish() }
        let whole = try ClientConnection(to: server.endpoint)
        try whole.send(ClientConnection.request("/"))
        #expect(try whole.receiveDiscardingBody() == 100_000)
        let short = try ClientConnection(to: server.endpoint)
        try short.send(ClientConnection.request("/"))
        #expect(throws: Failure.closed(.inAnswer)) { try short.receiveDiscardingBody() }
    }

    @Test func loadCountsEveryAnswerAndEveryFailure() throws {
        let bad = "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        let server = try ScriptedServer([.answer(Self.good), .close, .answer(Self.good), .answer(bad)])
        let target = Load.Target(component: "C", endpoint: server.endpoint, path: "/", body: Array("abc".utf8))
        let load = try Load([target], clients: 1, styles: [.newConnections], limitSeconds: 20)
        // After its four acts nobody listens: the load goes on and is refused.
        server.finish()
        try poll("two answers are counted", within: 10) { load.answers == 2 ? () : nil }
        let tally = load.stop().total(of: "C")
        #expect(tally.answered == 2)
        #expect(tally.failures[.closed(.beforeAnswer)] == 1)
        #expect(tally.failures[.wrongStatus(500)] == 1)
        // A connection that waited in the backlog is reset when the listener closes; whoever comes later is refused.
        let reset = Failure.Stage.allCases.reduce(0) { $0 + tally.failures[.reset($1), default: 0] }
        #expect(reset <= 1)
        #expect(tally.failed == 2 + reset + tally.refused)
        #expect(tally.unexplained == 1 + tally.refused)
    }

    @Test func loadEndsByItself() throws {
        let endpoint = Endpoint(port: try PortChoice().next())
        let target = Load.Target(component: "C", endpoint: endpoint, path: "/", body: [])
        let load = try Load([target], clients: 1, styles: [.keepAlive], limitSeconds: 0)
        #expect(load.stop().total.failed == 0)
    }
}
