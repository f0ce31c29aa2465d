import Locks
import NetworkTesting
import Testing

@testable import Networking

@Suite struct ClientRedirectTests {
    /// Redirects `/from` as told, and answers all else with the request's head.
    private func redirecting(
        _ status: Int = 302, to location: String, tls: ScriptedServer.TLS? = nil, body: String = "moved"
    ) throws -> ScriptedServer {
        try ScriptedServer(tls) { connection in
            while let (head, _) = try? connection.readRequest() {
                if head.split(separator: " ").dropFirst().first == "/from" {
                    try connection.answer("\(status) Moved", ["Location: \(location)"], text: body)
                } else {
                    try connection.answer(text: head)
                }
            }
        }
    }

    private func request(_ server: ScriptedServer, limit: Int = 3) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: server.url("/from"))
        request.redirectLimit = limit
        request.fields = [
            .init("Authorization", "Bearer secret"), .init("X-Api-Key", "secret"), .init("Cookie", "secret"),
            .init("Accept", "text/plain"), .init("If-None-Match", "\"v\""),
        ]
        return request
    }

    @Test func noneIsFollowedUnlessAskedFor() throws {
        let server = try redirecting(to: "/to")
        defer { server.stop() }
        let got = try ClientBench().fetch(request(server, limit: 0))
        #expect(got.code == .done && got.status == 302 && got.text == "moved")
        #expect(got.heads.first?.value(of: "location") == "/to")
    }

    @Test(arguments: [301, 302, 303, 307, 308]) func isFollowedWithinAHostWithAllFields(status: Int) throws {
        let server = try redirecting(status, to: "../to?x#y")
        defer { server.stop() }
        let got = try ClientBench().fetch(request(server))
        #expect(got.status == 200 && got.heads.count == 1)
        #expect(got.heads.first?.url == server.url("/to?x") && got.heads.first?.redirectCount == 1)
        #expect(got.text.hasPrefix("GET /to?x ") && got.text.contains("Bearer secret"))
        // On the same connection, whose redirect's body was read away.
        #expect(server.accepted == 1)
    }

    @Test func credentialsDoNotGoToAnotherHostOrPort() throws {
        let other = try redirecting(to: "/")
        let server = try redirecting(to: other.url("/to"))
        defer {
            server.stop()
            other.stop()
        }
        let got = try ClientBench().fetch(request(server))
        #expect(got.status == 200 && got.heads.first?.url == other.url("/to"))
        #expect(!got.text.contains("secret"))
        #expect(got.text.contains("Accept: text/plain") && got.text.contains("If-None-Match: \"v\""))
    }

    @Test func loopEndsAtItsLimit() throws {
        let server = try redirecting(to: "/from")
        defer { server.stop() }
        let got = try ClientBench().fetch(request(server, limit: 3))
        #expect(got.code == .redirectRefused && got.heads.isEmpty && got.reason.contains("3 are allowed"))
    }

    @Test func largeBodyOfARedirectIsNotReadToItsEnd() throws {
        let server = try redirecting(to: "/to", body: String(repeating: "x", count: 5_000_000))
        defer { server.stop() }
        let got = try ClientBench().fetch(request(server))
        #expect(got.status == 200 && server.accepted == 2)
    }

    @Test(arguments: ["http://[", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/", "http://exämple/"])
    func placeThatCannotBeFollowedIsRefused(location: String) throws {
        let server = try redirecting(to: location)
        defer { server.stop() }
        #expect(try ClientBench().fetch(request(server)).code == .redirectRefused)
    }

    @Test func otherMethodsFollowOnlySeeOther() throws {
        let bench = try ClientBench()
        for status in [302, 307] {
            let server = try redirecting(status, to: "/to")
            defer { server.stop() }
            var posted = request(server)
            posted.method = "POST"
            posted.body = .bytes(Array("secret".utf8))
            #expect(try bench.fetch(posted).status == status)
        }
        let server = try redirecting(303, to: "/to")
        defer { server.stop() }
        var posted = request(server)
        posted.method = "POST"
        posted.fields = [.init("Content-Type", "text/plain"), .init("X-Kept", "yes")]
        posted.body = .bytes(Array("body".utf8))
        let got = try bench.fetch(posted)
        #expect(got.text.hasPrefix("GET /to ") && got.text.contains("X-Kept: yes"))
        #expect(!got.text.contains("Content-Type") && !got.text.contains("Content-Length"))
    }

    // MARK: https

    @Test func neverLeadsFromHTTPSToHTTP() throws {
        let authority = try TestIssuer()
        let plain = try redirecting(to: "/")
        let server = try redirecting(to: plain.url("/to"), tls: .init(try authority.issue(["IP:127.0.0.1"])))
        defer {
            server.stop()
            plain.stop()
        }
        let got = try ClientBench().fetch(
            request(server), ClientTLS(expectedPeer: "127.0.0.1", authority: authority.certificate))
        #expect(got.code == .redirectRefused && got.reason.contains("from https to http"))
        #expect(plain.accepted == 0)
    }

    @Test func anotherHostMustProveItsOwnNameAndIsShownNothing() throws {
        let authority = try TestIssuer()
        let subjects = Locked<[String?]>([])
        // It would take a certificate.
        let named = ScriptedServer.TLS(
            try authority.issue(["DNS:localhost", "URI:muster:server"]), clientAuthority: authority.certificate,
            needsCertificate: false)
        let other = try ScriptedServer(named) { connection in
            subjects.withLock { $0.append(connection.clientSubject) }
            try connection.answer(text: try connection.readHead())
        }
        let server = try redirecting(
            to: "https://localhost:\(other.port)/to", tls: .init(try authority.issue(["IP:127.0.0.1"])))
        let wrong = try redirecting(
            to: "https://127.0.0.1:\(other.port)/to", tls: .init(try authority.issue(["IP:127.0.0.1"])))
        defer { for server in [server, other, wrong] { server.stop() } }
        let tls = ClientTLS(
            expectedPeer: "127.0.0.1", identity: try authority.issue(["URI:muster:client/1"]),
            authority: authority.certificate)
        let bench = try ClientBench()
        let got = try bench.fetch(request(server), tls)
        #expect(got.status == 200 && !got.text.contains("secret"), "\(got.reason)")
        #expect(subjects.withLock { $0 } == [nil])
        let direct = try bench.fetch(
            "https://localhost:\(other.port)/",
            ClientTLS(
                expectedPeer: "muster:server", identity: tls.identity, authority: authority.certificate))
        #expect(direct.status == 200 && subjects.withLock { $0 } == [nil, "CN=tested"])
        #expect(try bench.fetch(request(wrong), tls).code == .wrongPeer)
    }

    @Test func expectedPeerThatIsNoHostNameLeadsNowhereElse() throws {
        let authority = try TestIssuer()
        let identity = ScriptedServer.TLS(try authority.issue(["URI:muster:server", "IP:127.0.0.1"]))
        let other = try redirecting(to: "/", tls: identity)
        let server = try redirecting(to: other.url("/to"), tls: identity)
        let near = try redirecting(to: "/to", tls: identity)
        defer { for server in [server, other, near] { server.stop() } }
        let tls = ClientTLS(expectedPeer: "muster:server", authority: authority.certificate)
        let bench = try ClientBench()
        let got = try bench.fetch(request(server), tls)
        #expect(got.code == .redirectRefused && got.reason.contains("another host") && other.accepted == 0)
        #expect(try bench.fetch(request(near), tls).status == 200)
    }
}
