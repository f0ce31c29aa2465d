import COpenSSL
import FoundationEssentials
import TLSTesting
import Testing

@testable import Networking

/// Sessions that are taken up again, by tickets alone: any server with the same keys can.
@Suite struct TLSSessionTests {
    private static let keys = [TestAuthority.ticketKey(1), TestAuthority.ticketKey(2)]
    private static let versions = [TLS1_2_VERSION, TLS1_3_VERSION]
    private let authority: TestAuthority

    init() throws { authority = try TestAuthority() }

    /// Asks once and answers whether the session was resumed, with the session for the next time.
    private func ask(
        _ server: TestServer, _ version: CInt, _ session: TLSClient.Session? = nil,
        identity: TestAuthority.Identity? = nil
    ) throws -> (isResumed: Bool, session: TLSClient.Session?) {
        var settings = TLSClient.Settings(trusted: authority.certificate)
        settings.version = version
        settings.session = session
        settings.identity = identity
        let client = try TLSClient(port: server.port, settings)
        #expect(try client.exchange(TLSTests.get).status == 200)
        let next = client.session
        client.end()
        return (client.isResumed, next)
    }

    @Test(arguments: versions)
    func sessionIsResumedByAnotherServerWithTheSameKeys(_ version: CInt) throws {
        let first = try TestServer(tls: authority.context(keys: Self.keys))
        let session = try ask(first, version).session
        #expect(try ask(first, version, session).isResumed)
        first.stop()
        let second = try TestServer(tls: authority.context(keys: Self.keys))
        defer { second.stop() }
        #expect(try ask(second, version, session).isResumed)
        #expect(second.server.activity.resumedHandshakes == 1)
        #expect(second.server.activity.fullHandshakes == 0)
    }

    @Test(arguments: versions)
    func sessionOutlivesOneRotationOfTheKeysAndNoMore(_ version: CInt) throws {
        let (old, new, newest) = (
            TestAuthority.ticketKey(1), TestAuthority.ticketKey(2), TestAuthority.ticketKey(3)
        )
        let server = try TestServer(tls: authority.context(keys: [old]))
        defer { server.stop() }
        let session = try ask(server, version).session
        server.server.replaceTLS(try authority.context(keys: [new, old]))
        let renewed = try ask(server, version, session)
        #expect(renewed.isResumed)
        server.server.replaceTLS(try authority.context(keys: [newest, new]))
        #expect(try !ask(server, version, session).isResumed)
        // What was resumed had got a ticket by the new key.
        #expect(try ask(server, version, renewed.session).isResumed)
    }

    @Test(arguments: versions)
    func clientThatUsesEachTicketOnceResumesEveryTime(_ version: CInt) throws {
        let server = try TestServer(tls: authority.context(keys: Self.keys))
        defer { server.stop() }
        var session = try ask(server, version).session
        for _ in 0..<5 {
            let next = try ask(server, version, session)
            #expect(next.isResumed)
            session = next.session
        }
    }

    @Test(arguments: versions)
    func clientIsKnownInAResumedSession(_ version: CInt) throws {
        let server = try TestServer(tls: authority.context(.required, allowed: ["muster:server"], keys: Self.keys))
        defer { server.stop() }
        let identity = try authority.identity("server", uris: ["muster:server"])
        let session = try ask(server, version, identity: identity).session
        #expect(try ask(server, version, session, identity: identity).isResumed)
        let known = TLSIdentity(subject: "CN=server", uris: ["muster:server"])
        #expect(server.handler.requests.map(\.identity) == [known, known])
    }

    @Test(arguments: versions)
    func ticketOfAListenerThatAsksForLessOpensNoOther(_ version: CInt) throws {
        let open = try TestServer(tls: authority.context(keys: Self.keys, session: "Test/web/none"))
        defer { open.stop() }
        let session = try ask(open, version).session
        let strict = try TestServer(
            tls: authority.context(.required, keys: Self.keys, session: "Test/web/required"))
        defer { strict.stop() }
        #expect(throws: TLSClient.Failure.self) { try ask(strict, version, session) }
        #expect(strict.handler.requests.isEmpty)
    }

    @Test(arguments: versions)
    func ticketByAForeignKeyMeansAFullHandshake(_ version: CInt) throws {
        let server = try TestServer(tls: authority.context(keys: [TestAuthority.ticketKey(9)]))
        let session = try ask(server, version).session
        server.stop()
        let other = try TestServer(tls: authority.context(keys: Self.keys))
        defer { other.stop() }
        #expect(try !ask(other, version, session).isResumed)
    }

    @Test(arguments: versions)
    func withoutKeysNothingIsResumed(_ version: CInt) throws {
        let server = try TestServer(tls: authority.context())
        defer { server.stop() }
        let session = try ask(server, version).session
        #expect(try !ask(server, version, session).isResumed)
    }
}
