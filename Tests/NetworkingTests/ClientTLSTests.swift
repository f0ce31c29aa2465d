import FoundationEssentials
import Glibc
import Locks
import NIOPosix
import NetworkTesting
import Testing

@testable import Networking

/// Whom a client talks to, and to whom it never does.
@Suite struct ClientTLSTests {
    private let authority: TestIssuer

    init() throws { authority = try TestIssuer() }

    /// A server that notes every request that reaches it.
    private func server(
        _ names: [String], commonName: String = "tested", days: ClosedRange<Int> = -1...30,
        requests: Locked<[String]> = Locked([]), keepsAlive: Bool = true, clientAuthority: Data? = nil
    ) throws -> ScriptedServer {
        let identity = try authority.issue(names, commonName: commonName, days: days)
        return try ScriptedServer(.init(identity, clientAuthority: clientAuthority)) { connection in
            repeat {
                let (head, _) = try connection.readRequest()
                requests.withLock { $0.append(head) }
                try connection.answer(
                    "200 OK", keepsAlive ? [] : ["Connection: close"],
                    text: "\(connection.clientSubject ?? "nobody")\(connection.isResumed ? ", resumed" : "")")
            } while keepsAlive
        }
    }

    private func expecting(_ peer: String, identity: TestIssuer.Identity? = nil) -> ClientTLS {
        ClientTLS(expectedPeer: peer, identity: identity, authority: authority.certificate)
    }

    @Test(arguments: [
        "muster:server", "muster:client/0a1b", "updates.example.com", "UPDATES.example.com", "a.wild.example.com",
        "127.0.0.1", "::1",
    ])
    func peerThatIsNamedInTheCertificateIsReached(peer: String) throws {
        let server = try server([
            "URI:muster:server", "URI:muster:client/0a1b", "DNS:updates.example.com", "DNS:*.wild.example.com",
            "IP:127.0.0.1", "IP:::1",
        ])
        defer { server.stop() }
        let got = try ClientBench().fetch(server.url(), expecting(peer))
        #expect(got.code == .done && got.text == "nobody", "\(got.reason)")
    }

    @Test(arguments: [
        "muster:serve", "muster:server2", "muster:SERVER", "MUSTER:server", "muster:client", "muster:client/0a1c",
        "example.com", "b.a.wild.example.com", "wild.example.com", "xupdates.example.com", "part.example.com",
        "tested", "127.0.0.2", "::2", "muster", "server",
    ])
    func peerThatIsNotNamedGetsNoByteOfTheRequest(peer: String) throws {
        let requests = Locked<[String]>([])
        let server = try server(
            [
                "URI:muster:server", "URI:muster:client/0a1b", "DNS:updates.example.com", "DNS:*.wild.example.com",
                "DNS:pa*.example.com", "IP:127.0.0.1",
            ], requests: requests)
        defer { server.stop() }
        let got = try ClientBench().fetch(server.url(), expecting(peer))
        #expect(got.code == .wrongPeer && got.results.first?.isWorthRetrying == false)
        #expect(got.reason.contains(peer) && got.reason.contains("URI:muster:server"), "\(got.reason)")
        #expect(requests.withLock { $0.isEmpty })
    }

    @Test(arguments: [[], ["DNS:other.example.com"], ["URI:muster:other"]])
    func commonNameIsNeverLookedAt(names: [String]) throws {
        let requests = Locked<[String]>([])
        let server = try server(names, commonName: "127.0.0.1", requests: requests)
        let named = try self.server(names, commonName: "updates.example.com", requests: requests)
        defer {
            server.stop()
            named.stop()
        }
        let bench = try ClientBench()
        #expect(try bench.fetch(server.url(), expecting("127.0.0.1")).code == .wrongPeer)
        #expect(try bench.fetch(named.url(), expecting("updates.example.com")).code == .wrongPeer)
        #expect(requests.withLock { $0.isEmpty })
    }

    @Test func otherAuthorityVouchesForNothing() throws {
        let requests = Locked<[String]>([])
        let server = try server(["URI:muster:server"], requests: requests)
        defer { server.stop() }
        // Of the same name, too.
        let other = ClientTLS(expectedPeer: "muster:server", authority: try TestIssuer().certificate)
        let bench = try ClientBench()
        let got = try bench.fetch(server.url(), other)
        #expect(got.code == .tlsFailed && got.reason.contains("certificate signature failure"), "\(got.reason)")
        // The system's authorities do not know it either.
        #expect(try bench.fetch(server.url(), ClientTLS(expectedPeer: "muster:server")).code == .tlsFailed)
        #expect(requests.withLock { $0.isEmpty })
    }

    @Test(arguments: [-10 ... -5, 5...10]) func certificateOutsideItsTimeIsRefused(days: ClosedRange<Int>) throws {
        let server = try server(["URI:muster:server"], days: days)
        defer { server.stop() }
        let got = try ClientBench().fetch(server.url(), expecting("muster:server"))
        #expect(got.code == .tlsFailed)
        #expect(got.reason.contains(days.lowerBound < 0 ? "expired" : "not yet valid"), "\(got.reason)")
    }

    @Test func serverThatSpeaksNoTLSIsNotSpokenTo() throws {
        let server = try ScriptedServer { connection in
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            connection.waitForClose()
        }
        defer { server.stop() }
        let got = try ClientBench().fetch("https://127.0.0.1:\(server.port)/", expecting("127.0.0.1"))
        #expect(got.code == .tlsFailed && got.heads.isEmpty)
    }

    // MARK: Client certificates

    @Test func showsItsCertificateToTheServerThatAsks() throws {
        let server = try server(["URI:muster:server"], clientAuthority: authority.certificate)
        defer { server.stop() }
        let identity = try authority.issue(["URI:muster:client/1"], commonName: "ws-17")
        let bench = try ClientBench()
        let got = try bench.fetch(server.url(), expecting("muster:server", identity: identity))
        #expect(got.text == "CN=ws-17", "\(got.reason)")
        // Nobody else's requests go over that connection.
        let without = try bench.fetch(server.url(), expecting("muster:server"))
        #expect(without.code == .tlsFailed, "\(without.code.map { "\($0)" } ?? ""): \(without.reason)")
        let stranger = try TestIssuer("Strangers").issue(["URI:muster:client/1"])
        #expect(try bench.fetch(server.url(), expecting("muster:server", identity: stranger)).code == .tlsFailed)
    }

    @Test func worksWithTheHostsOwnServer() throws {
        let identity = try authority.issue(["URI:muster:server"])
        let context = try TLSContext(
            TLSConfiguration(
                certificate: identity.certificate, privateKey: identity.privateKey, clientPolicy: .required,
                authority: authority.certificate, ticketKeys: [Data(repeating: 7, count: 80)], sessionContext: "tests"))
        let uris = Locked<[String]>([])
        let server = try TestServer(tls: context) { loops, seen in
            uris.withLock { $0 += seen.identity?.uris ?? [] }
            loops.answer(seen.exchange, seen.target)
        }
        defer { server.stop() }
        let own = try authority.issue(["URI:muster:client/42"])
        let bench = try ClientBench()
        for path in ["/one", "/two"] {
            let got = try bench.fetch(
                "https://127.0.0.1:\(server.port)\(path)", expecting("muster:server", identity: own))
            #expect(got.text == path, "\(got.reason)")
        }
        #expect(uris.withLock { $0 } == ["muster:client/42", "muster:client/42"])
        #expect(server.server.activity.acceptedConnections == 1)
    }

    @Test func credentialsThatCannotBeUsedAreRefusedAtOnce() throws {
        let bench = try ClientBench()
        let request = HTTPClientRequest(url: "https://127.0.0.1:9/")
        let (one, two) = (try authority.issue([]), try authority.issue([]))
        func refusal(_ change: (inout ClientTLS) -> Void) throws -> String {
            var tls = expecting("muster:server", identity: one)
            change(&tls)
            return try bench.refusal(request, tls) ?? "started"
        }
        #expect(try refusal { $0.identity?.privateKey = two.privateKey }.contains("private key"))
        #expect(try refusal { $0.identity?.privateKey = Data() }.contains("together"))
        #expect(try refusal { $0.identity?.certificate = Data("no PEM".utf8) }.contains("no certificate"))
        #expect(try refusal { $0.identity?.privateKey = Data("no PEM".utf8) }.contains("private key"))
        #expect(try refusal { $0.authority = Data("no PEM".utf8) }.contains("authority"))
        #expect(try refusal { $0.authority = Data(repeating: 10, count: 5 << 20) }.contains("larger"))
        for peer in [
            "", " ", "a b", "*.example.com", "exämple.com", "muster:", ":x", "muster:\u{0}", "a..b", "http:\n",
        ] {
            #expect(try refusal { $0.expectedPeer = peer } != "started", "\(peer.debugDescription)")
        }
    }

    // MARK: Kept connections and resumed sessions

    /// With and without libcurl's own keeping apart of connections: the check before each request holds by itself.
    @Test(arguments: [(true, true), (true, false), (false, true), (false, false)])
    func keptConnectionIsNotUsedForAnotherPeer(separates: Bool, keepsAlive: Bool) throws {
        let requests = Locked<[String]>([])
        let server = try server(["URI:muster:server", "IP:127.0.0.1"], requests: requests, keepsAlive: keepsAlive)
        defer { server.stop() }
        let bench = try ClientBench(separatesConnections: separates)
        #expect(try bench.fetch(server.url("/1"), expecting("muster:server")).code == .done)
        #expect(try bench.fetch(server.url("/2"), expecting("muster:other")).code == .wrongPeer)
        #expect(try bench.fetch(server.url("/3"), expecting("muster:server")).code == .done)
        // Named in the same certificate, and yet by a connection of its own, which has been checked for it.
        #expect(try bench.fetch(server.url("/4"), expecting("127.0.0.1")).code == .done)
        let seen = requests.withLock { $0.compactMap { $0.split(separator: " ").dropFirst().first } }
        #expect(seen == ["/1", "/3", "/4"])
    }

    @Test(arguments: [true, false]) func keptConnectionIsNotUsedForAnotherIdentityOrAuthority(separates: Bool) throws {
        let server = try server(["URI:muster:server"], clientAuthority: authority.certificate)
        defer { server.stop() }
        let bench = try ClientBench(separatesConnections: separates)
        let identities = try ["one", "two"].map { try authority.issue([], commonName: $0) }
        for (index, name) in [(0, "one"), (1, "two"), (0, "one")] {
            let got = try bench.fetch(server.url(), expecting("muster:server", identity: identities[index]))
            #expect(got.text.hasPrefix("CN=\(name)"), "\(got.text) \(got.reason)")
        }
        var other = expecting("muster:server", identity: identities[0])
        other.authority = try TestIssuer().certificate
        #expect(try bench.fetch(server.url(), other).code == .tlsFailed)
    }

    /// Nor is a session that began under another authority: resuming it would verify nothing.
    @Test(arguments: [true, false]) func sessionIsNotResumedUnderAnotherAuthority(separates: Bool) throws {
        let requests = Locked<[String]>([])
        let server = try server(["URI:muster:server"], requests: requests, keepsAlive: false)
        defer { server.stop() }
        let bench = try ClientBench(separatesConnections: separates)
        #expect(try bench.fetch(server.url("/1"), expecting("muster:server")).code == .done)
        #expect(try bench.fetch(server.url("/2"), expecting("muster:server")).text == "nobody, resumed")
        let other = ClientTLS(expectedPeer: "muster:server", authority: try TestIssuer().certificate)
        #expect(try bench.fetch(server.url("/3"), other).code == .tlsFailed)
        #expect(requests.withLock { $0.count } == 2)
    }

    @Test func sameRequestsShareAConnection() throws {
        let server = try server(["URI:muster:server"])
        defer { server.stop() }
        let bench = try ClientBench()
        for _ in 0..<5 { #expect(try bench.fetch(server.url(), expecting("muster:server")).code == .done) }
        #expect(server.accepted == 1)
    }

    @Test func sessionIsResumedForTheSamePeerAlone() throws {
        let server = try server(["URI:muster:server", "IP:127.0.0.1"], keepsAlive: false)
        defer { server.stop() }
        let bench = try ClientBench()
        #expect(try bench.fetch(server.url(), expecting("muster:server")).text == "nobody")
        #expect(try bench.fetch(server.url(), expecting("muster:server")).text == "nobody, resumed")
        #expect(try bench.fetch(server.url(), expecting("127.0.0.1")).text == "nobody")
    }
}
