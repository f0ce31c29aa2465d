import Glibc
import Locks
import NetworkTesting
import Testing

@testable import Networking

/// Networks that fail and servers that break the rules: each has a name of its own.
@Suite struct ClientFailureTests {
    /// Answers with these bytes and closes.
    private func answering(_ bytes: [UInt8]) throws -> ScriptedServer {
        try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write(bytes)
        }
    }

    @Test func tellsARefusedConnectionFromAnUnknownHost() throws {
        let bench = try ClientBench()
        let server = try ScriptedServer { _ in }
        server.stop()
        // The port is free again when nobody accepts on it any more.
        #expect(eventually { (try? bench.fetch(server.url()))?.code == .notConnected })
        let refused = try bench.fetch(server.url())
        #expect(refused.results.first?.systemError == ECONNREFUSED && refused.results.first?.isWorthRetrying == true)
        #expect(refused.reason.contains("127.0.0.1:\(server.port)"))
        let unknown = try bench.fetch("http://no-such-host.invalid/")
        #expect(unknown.code == .unresolved && unknown.reason.contains("no-such-host.invalid"))
    }

    @Test func connectionThatDoesNotStandInTimeIsItsOwnFailure() throws {
        // A handshake that never begins: the listener's backlog takes the connection, nobody speaks TLS on it.
        let server = try ScriptedServer { $0.waitForClose() }
        defer { server.stop() }
        var request = HTTPClientRequest(url: "https://127.0.0.1:\(server.port)/")
        request.connectTimeout = 200_000_000
        let got = try ClientBench().fetch(request, ClientTLS(expectedPeer: "127.0.0.1"))
        #expect(got.code == .connectTimeout && got.reason.contains("0.2 s"), "\(got.reason)")
    }

    @Test func slowButMovingIsNotStalled() throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n")
            for _ in 0..<12 {
                usleep(100_000)
                try connection.write("x")
            }
        }
        defer { server.stop() }
        var request = HTTPClientRequest(url: server.url())
        request.stallTimeout = 800_000_000
        let got = try ClientBench().fetch(request)
        #expect(got.code == .done && got.body.count == 12)
    }

    @Test(arguments: ["", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome"])
    func stallsWhereNothingMoves(_ sent: String) throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write(sent)
            connection.waitForClose()
        }
        defer { server.stop() }
        var request = HTTPClientRequest(url: server.url())
        request.stallTimeout = 300_000_000
        let got = try ClientBench().fetch(request)
        #expect(got.code == .stalled && got.results.first?.isWorthRetrying == true)
        #expect(got.reason.contains("for 0.3 s"))
    }

    @Test func totalTimeEndsWhatMovesAndWhatWaits() throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            while (try? connection.write("x")) != nil { usleep(10_000) }
        }
        defer { server.stop() }
        var limits = HTTPClient.Limits()
        limits.running = 1
        let bench = try ClientBench(limits: limits)
        var request = HTTPClientRequest(url: server.url())
        request.totalTimeout = 300_000_000
        let (running, waiting) = (TransferRecord(), TransferRecord())
        _ = try bench.start(request, nil, running)
        request.totalTimeout = 100_000_000
        _ = try bench.start(request, nil, waiting)
        #expect(try waiting.ended().code == .totalTimeout && waiting.now.heads.isEmpty)
        #expect(try running.ended().code == .totalTimeout && running.now.body.count > 0)
    }

    @Test(arguments: [
        ("", HTTPClientCode.connectionLost), ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", .connectionLost),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", .connectionLost),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n", .protocolBroken),
        ("this is not HTTP at all\r\n\r\n", .protocolBroken), ("SSH-2.0-OpenSSH_9.2\r\n", .protocolBroken),
        ("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n", .protocolBroken),
        ("HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n", .protocolBroken),
        ("HTTP/1.1 999 What\r\n\r\n", .protocolBroken), ("\0\0\0\0\0\0\0\0", .protocolBroken),
    ])
    func brokenAnswerIsNoAnswer(_ answer: String, code: HTTPClientCode) throws {
        let server = try answering(Array(answer.utf8))
        defer { server.stop() }
        let got = try ClientBench().fetch(server.url())
        #expect(got.code == code, "\(got.code.map { "\($0)" } ?? "-"): \(got.reason)")
        #expect(got.results.count == 1 && !got.reason.isEmpty)
    }

    @Test(arguments: [1, 2000, 3]) func headBeyondItsBoundIsRefused(lines: Int) throws {
        let size = lines == 1 ? 300_000 : lines == 3 ? 30_000 : 40
        let field = (0..<lines).map { "X-\($0): \(String(repeating: "a", count: size))\r\n" }.joined()
        let server = try answering(Array("HTTP/1.1 200 OK\r\n\(field)Content-Length: 0\r\n\r\n".utf8))
        defer { server.stop() }
        let got = try ClientBench().fetch(server.url())
        #expect(got.code == .protocolBroken && got.heads.isEmpty, "\(got.reason)")
    }

    @Test func resetConnectionIsLost() throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab")
            connection.reset()
        }
        defer { server.stop() }
        let got = try ClientBench().fetch(server.url())
        #expect(got.code == .connectionLost && got.results.first?.isWorthRetrying == true && got.text == "ab")
    }

    @Test(arguments: ["Content-Length: 11\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n"])
    func tooLargeABodyIsBrokenOff(framing: String) throws {
        let body = framing.hasPrefix("Tr") ? "6\r\n012345\r\n5\r\n6789a\r\n0\r\n\r\n" : "0123456789a"
        let server = try answering(Array("HTTP/1.1 200 OK\r\n\(framing)\r\n\(body)".utf8))
        defer { server.stop() }
        var request = HTTPClientRequest(url: server.url())
        request.bodyLimit = 10
        let got = try ClientBench().fetch(request)
        #expect(got.code == .tooLarge && got.body.count <= 10 && got.reason.contains("10"))
        request.bodyLimit = 11
        let fits = try ClientBench().fetch(request)
        #expect(fits.code == .done && fits.text == "0123456789a")
    }

    @Test func fullDiskIsItsOwnFailure() throws {
        let server = try answering(Array("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".utf8))
        defer { server.stop() }
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(full) }
        var request = HTTPClientRequest(url: server.url())
        request.destination = .init(descriptor: full, offset: 0)
        let got = try ClientBench().fetch(request)
        #expect(got.code == .fileFailed && got.results.first?.systemError == ENOSPC)
        #expect(got.reason.contains("No space left on device") && got.results.first?.receivedBytes == 0)
    }

    @Test func fileThatIsShorterThanPromisedBreaksTheRequestOff() throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readRequest()
            try connection.answer(text: "never")
        }
        defer { server.stop() }
        let file = try ScratchFile(Array("abc".utf8))
        var request = HTTPClientRequest(url: server.url())
        request.method = "PUT"
        request.body = .file(descriptor: file.descriptor, offset: 0, length: 1000)
        let got = try ClientBench().fetch(request)
        #expect(got.code == .fileFailed && got.reason.contains("the file ends there"))
    }

    /// Serves one request, says that it would serve another, and breaks the connection when that has come.
    private func breakingKeptConnections(_ requests: Locked<[String]>) throws -> ScriptedServer {
        try ScriptedServer { connection in
            let (head, _) = try connection.readRequest()
            requests.withLock { $0.append(head) }
            try connection.answer(text: "first")
            if let (head, _) = try? connection.readRequest() { requests.withLock { $0.append(head) } }
        }
    }

    @Test(arguments: [("GET", HTTPClientCode.done, 3), ("POST", .connectionLost, 2)])
    func onlyWhatMayBeDoneTwiceIsSentAgain(method: String, code: HTTPClientCode, count: Int) throws {
        let requests = Locked<[String]>([])
        let server = try breakingKeptConnections(requests)
        defer { server.stop() }
        let bench = try ClientBench()
        var request = HTTPClientRequest(url: server.url())
        request.method = method
        #expect(try bench.fetch(request).code == .done)
        #expect(try bench.fetch(request).code == code)
        #expect(requests.withLock { $0.count } == count)
    }

    // MARK: Proxies

    /// Leads on to any port of 127.0.0.1, and notes what it was asked for.
    private func proxy(_ asked: Locked<[String]>, answer: String = "200 Connection established") throws
        -> ScriptedServer
    {
        try ScriptedServer { connection in
            let head = try connection.readHead()
            asked.withLock { $0.append(head) }
            try connection.write("HTTP/1.1 \(answer)\r\nX-From-Proxy: yes\r\n\r\n")
            guard answer.hasPrefix("200"),
                let port = head.split(separator: " ").dropFirst().first?.split(separator: ":").last
            else { return }
            let onward = try ClientSocket(port: UInt16(port) ?? 0)
            try connection.relay(to: onward.send, from: onward.receive)
        }
    }

    @Test func leadsThroughAProxyAndChecksThePeerAllTheSame() throws {
        let authority = try TestIssuer()
        let server = try ScriptedServer(.init(try authority.issue(["URI:muster:server"]))) { connection in
            let head = try connection.readHead()
            try connection.answer(text: head)
        }
        defer { server.stop() }
        let asked = Locked<[String]>([])
        let proxy = try proxy(asked)
        defer { proxy.stop() }
        let bench = try ClientBench()
        var request = HTTPClientRequest(url: server.url())
        request.proxy = "http://user:pass@127.0.0.1:\(proxy.port)"
        request.fields = [.init("X-Token", "secret")]
        let tls = ClientTLS(expectedPeer: "muster:server", authority: authority.certificate)
        let got = try bench.fetch(request, tls)
        #expect(got.code == .done && got.text.contains("X-Token: secret"), "\(got.reason)")
        #expect(got.heads.count == 1 && got.heads.first?.value(of: "x-from-proxy") == nil)
        let head = try #require(asked.withLock { $0.first })
        #expect(head.hasPrefix("CONNECT 127.0.0.1:\(server.port) ") && head.contains("Proxy-Authorization: Basic"))
        #expect(!head.contains("secret"))
        let other = ClientTLS(expectedPeer: "muster:other", authority: authority.certificate)
        #expect(try bench.fetch(request, other).code == .wrongPeer)
    }

    @Test func proxyThatFailsIsNamed() throws {
        let asked = Locked<[String]>([])
        let refusing = try proxy(asked, answer: "403 Forbidden")
        defer { refusing.stop() }
        let gone = try ScriptedServer { _ in }
        gone.stop()
        let bench = try ClientBench()
        var request = HTTPClientRequest(url: "https://127.0.0.1:9/")
        request.proxy = "http://127.0.0.1:\(refusing.port)"
        let tls = ClientTLS(expectedPeer: "127.0.0.1")
        let refused = try bench.fetch(request, tls)
        #expect(refused.code == .proxyFailed && refused.reason.contains("403"), "\(refused.reason)")
        request.proxy = "http://127.0.0.1:\(gone.port)"
        #expect(eventually { (try? bench.fetch(request, tls))?.code == .proxyFailed })
        request.proxy = "http://no-such-proxy.invalid:1"
        #expect(try bench.fetch(request, tls).code == .proxyFailed)
    }

    @Test func environmentIsNeverLookedAt() throws {
        setenv("http_proxy", "http://127.0.0.1:1", 1)
        defer { unsetenv("http_proxy") }
        let server = try answering(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8))
        defer { server.stop() }
        #expect(try ClientBench().fetch(server.url()).text == "ok")
    }
}
