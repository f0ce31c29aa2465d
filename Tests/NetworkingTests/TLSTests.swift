import COpenSSL
import FoundationEssentials
import Glibc
import Synchronization
import TLSTesting
import Testing

@testable import Networking

/// TLS from the handshake to the end, with OpenSSL's own client.
@Suite struct TLSTests {
    static let get = "GET /here HTTP/1.1\r\nHost: localhost\r\n\r\n"
    let authority: TestAuthority

    init() throws { authority = try TestAuthority() }

    private func settings(_ change: (inout TLSClient.Settings) -> Void = { _ in }) -> TLSClient.Settings {
        var settings = TLSClient.Settings(trusted: authority.certificate)
        change(&settings)
        return settings
    }

    // MARK: Handshakes

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func requestsAreAnsweredInBothVersions(_ version: CInt) throws {
        let server = try TestServer(tls: authority.context())
        defer { server.stop() }
        let client = try TLSClient(port: server.port, settings { $0.version = version })
        #expect(client.version == (version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3"))
        for _ in 0..<3 { #expect(try client.exchange(Self.get).body == Array("ok".utf8)) }
        #expect(server.handler.requests.allSatisfy { $0.identity == nil })
        #expect(server.server.activity.fullHandshakes == 1)
    }

    @Test(arguments: [TLS1_VERSION, TLS1_1_VERSION])
    func olderVersionsAreRefused(_ version: CInt) throws {
        let server = try TestServer(tls: authority.context())
        defer { server.stop() }
        #expect(throws: TLSClient.Failure.self) { try TLSClient(port: server.port, settings { $0.version = version }) }
    }

    @Test func protocolIsNegotiatedOrRefused() throws {
        let server = try TestServer(tls: authority.context())
        defer { server.stop() }
        let client = try TLSClient(port: server.port, settings { $0.protocols = ["h2", "http/1.1"] })
        #expect(client.chosenProtocol == "http/1.1")
        #expect(try client.exchange(Self.get).status == 200)
        let failure = #expect(throws: TLSClient.Failure.self) {
            try TLSClient(port: server.port, settings { $0.protocols = ["h2"] })
        }
        #expect(failure?.description.contains("no application protocol") == true, "\(failure.debugDescription)")
    }

    @Test func plainHTTPOnAPortOfTLSIsToldSo() throws {
        let server = try TestServer(tls: authority.context())
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get)
        let answer = try client.answer()
        #expect(answer.status == 400)
        #expect(answer.body.contains("https://"))
        #expect(client.isAtEnd())
        #expect(server.handler.requests.isEmpty)
    }

    @Test(arguments: [
        [UInt8](repeating: 0, count: 64), [22, 3, 1, 0, 4, 1, 2, 3, 4], [128, 46, 1, 3, 1], [21, 3, 3, 0, 2, 2, 40],
    ])
    func whatIsNoTLSIsClosedWithoutHarm(_ bytes: [UInt8]) throws {
        let server = try TestServer(tls: authority.context())
        defer { server.stop() }
        let client = try server.connect()
        try client.send(bytes)
        client.closeOutput()
        _ = try? client.receiveAll()
        #expect(eventually { server.server.activity.connections == 0 })
        #expect(try TLSClient(port: server.port, settings()).exchange(Self.get).status == 200)
    }

    @Test func handshakeThatDoesNotEndIsEnded() throws {
        let server = try TestServer(HTTPLimits(headTimeout: 100_000_000), tls: authority.context())
        defer { server.stop() }
        let silent = try server.connect()
        let halfway = try server.connect()
        try halfway.send([22, 3, 1, 2, 0, 1])
        #expect(silent.isAtEnd())
        #expect(halfway.isAtEnd())
        #expect(server.server.activity.failedHandshakes == 2)
    }

    // MARK: Clients' certificates

    @Test func clientIsKnownByItsCertificate() throws {
        let server = try TestServer(tls: authority.context(.optional))
        defer { server.stop() }
        let uris = ["muster:client/0190", "https://example.org/ws-17"]
        let identity = try authority.identity("ws-17", uris: uris)
        let client = try TLSClient(port: server.port, settings { $0.identity = identity })
        #expect(try client.exchange(Self.get).status == 200)
        #expect(server.handler.requests.last?.identity == TLSIdentity(subject: "CN=ws-17", uris: uris))
        let stranger = try TLSClient(port: server.port, settings())
        #expect(try stranger.exchange(Self.get).status == 200)
        #expect(server.handler.requests.last?.identity == .none)
    }

    @Test(arguments: [TLS1_2_VERSION, TLS1_3_VERSION])
    func clientWithoutTheRequiredCertificateIsRefused(_ version: CInt) throws {
        let server = try TestServer(tls: authority.context(.required))
        defer { server.stop() }
        // In TLS 1.3 the client learns of it with its first read.
        #expect(throws: TLSClient.Failure.self) {
            try TLSClient(port: server.port, settings { $0.version = version }).exchange(Self.get)
        }
        #expect(server.handler.requests.isEmpty)
        #expect(eventually { server.server.activity.failedHandshakes == 1 })
    }

    @Test(arguments: [TLSConfiguration.ClientPolicy.optional, .required])
    func certificateOfAnotherAuthorityIsRefused(_ policy: TLSConfiguration.ClientPolicy) throws {
        let server = try TestServer(tls: authority.context(policy))
        defer { server.stop() }
        let other = try TestAuthority().identity("ws-17", uris: ["muster:server"])
        #expect(throws: TLSClient.Failure.self) {
            try TLSClient(port: server.port, settings { $0.identity = other }).exchange(Self.get)
        }
        #expect(server.handler.requests.isEmpty)
    }

    @Test func clientWithAnotherRoleIsForbidden() throws {
        let server = try TestServer(tls: authority.context(.required, allowed: ["muster:server", "muster:client/*"]))
        defer { server.stop() }
        func status(_ uris: [String]) throws -> Int {
            let identity = try authority.identity("ws-17", uris: uris)
            return try TLSClient(port: server.port, settings { $0.identity = identity }).exchange(Self.get).status
        }
        #expect(try status(["muster:server"]) == 200)
        #expect(try status(["muster:client/0190"]) == 200)
        #expect(try status(["other:x", "muster:server"]) == 200)
        #expect(server.handler.requests.count == 3)
        for uris in [[], ["muster:admin/ada"], ["muster:server/x"], ["muster:Server"], ["muster:clients/x"]] {
            #expect(try status(uris) == 403, "\(uris)")
        }
        #expect(server.handler.requests.count == 3)
    }

    @Test func serverOfAnotherAuthorityIsRefusedByTheClient() throws {
        let server = try TestServer(tls: authority.context())
        defer { server.stop() }
        let other = try TestAuthority()
        #expect(throws: TLSClient.Failure.self) {
            try TLSClient(port: server.port, TLSClient.Settings(trusted: other.certificate))
        }
    }

    // MARK: Certificates that change

    @Test func newCertificateIsShownToNewConnectionsOnly() throws {
        let server = try TestServer(tls: authority.context(identity: authority.identity("first")))
        defer { server.stop() }
        let early = try TLSClient(port: server.port, settings())
        #expect(early.serversSubject == "CN=first")
        server.server.replaceTLS(try authority.context(identity: authority.identity("second")))
        let late = try TLSClient(port: server.port, settings())
        #expect(late.serversSubject == "CN=second")
        #expect(try early.exchange(Self.get).status == 200)
        #expect(try late.exchange(Self.get).status == 200)
    }

    @Test func contextThatCannotBeMadeSaysWhy() throws {
        let other = try authority.identity("other")
        #expect(throws: TLSError.self) {
            try authority.context(
                identity: .init(certificate: authority.server.certificate, privateKey: other.privateKey))
        }
        #expect(throws: TLSError.self) {
            try authority.context(identity: .init(certificate: Data("x".utf8), privateKey: other.privateKey))
        }
        #expect(throws: TLSError.self) { try authority.context(keys: [Data([1, 2, 3])]) }
    }

    // MARK: Bytes

    @Test func bodiesOfAnySizePassBothWays() throws {
        let server = try TestServer(HTTPLimits(bodyBytes: 8 << 20), tls: authority.context(), loops: 2) { _, _ in }
        defer { server.stop() }
        let collected = Bodies()
        server.handler.whenBody.withLock { $0 = { _, exchange, piece in collected.add(piece, to: exchange) } }
        server.handler.whenBodyEnds.withLock { $0 = { $0.answer($1, collected.take($1)) } }
        let client = try TLSClient(port: server.port, settings())
        for size in [1, 16_383, 16_384, 16_385, 100_000, 3_000_000] {
            let body = String((0..<size).map { Character(Unicode.Scalar(UInt8(97 + $0 % 26))) })
            try client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: \(size)\r\n\r\n\(body)")
            #expect(try client.answer().body == Array(body.utf8), "\(size)")
        }
    }

    @Test func fileIsSentWholeToASlowClient() throws {
        let size = 32 << 20
        var path = Array("/tmp/muster-tls-XXXXXX".utf8CString)
        let file = mkstemp(&path)
        unlink(path)
        defer { close(file) }
        let mark: [UInt8] = Array("the very end".utf8)
        // Full of holes but for its end.
        try #require(pwrite(file, mark, mark.count, size - mark.count) == mark.count)
        let server = try TestServer(tls: authority.context()) {
            _ = $0.answer($1.exchange, file: FileLease(descriptor: file, offset: 0, length: UInt64(size)) {})
        }
        defer { server.stop() }
        let client = try TLSClient(port: server.port, settings { $0.receiveBuffer = 8192 })
        try client.send(Self.get)
        let answer = try client.answer()
        #expect(answer.body.count == size)
        #expect(answer.body.suffix(mark.count).elementsEqual(mark))
    }

    @Test func requestsInOneRecordAreAnsweredInOrder() throws {
        let server = try TestServer(tls: authority.context()) { $0.answer($1.exchange, $1.target) }
        defer { server.stop() }
        let client = try TLSClient(port: server.port, settings())
        try client.send((0..<50).map { "GET /\($0) HTTP/1.1\r\nHost: x\r\n\r\n" }.joined())
        for number in 0..<50 { #expect(try client.answer().body == Array("/\(number)".utf8)) }
    }

    @Test func requestInManyRecordsIsUnderstood() throws {
        let server = try TestServer(tls: authority.context())
        defer { server.stop() }
        let client = try TLSClient(port: server.port, settings())
        for byte in Self.get.utf8 { try client.send([byte]) }
        #expect(try client.answer().status == 200)
    }

    @Test func damagedRecordEndsTheConnection() throws {
        let server = try TestServer(tls: authority.context())
        defer { server.stop() }
        let client = try TLSClient(port: server.port, settings())
        #expect(try client.exchange(Self.get).status == 200)
        var record: [UInt8] = [23, 3, 3, 0, 32] + [UInt8](repeating: 0xA5, count: 32)
        #expect(write(client.descriptor, &record, record.count) == record.count)
        #expect(((try? client.receive()) ?? []).isEmpty)
        #expect(eventually { server.server.activity.connections == 0 })
    }

    // MARK: The end

    @Test func endIsAnnouncedByBothSides() throws {
        let server = try TestServer(tls: authority.context())
        defer { server.stop() }
        let client = try TLSClient(port: server.port, settings())
        try client.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        #expect(String(decoding: try client.receiveAll(), as: UTF8.self).hasSuffix("\r\n\r\nok"))
        #expect(client.serverHasEnded)
        let leaving = try TLSClient(port: server.port, settings())
        #expect(try leaving.exchange(Self.get).status == 200)
        leaving.end()
        #expect(try leaving.receive().isEmpty)
        #expect(eventually { server.server.activity.connections == 0 })
    }

    @Test func drainEndsConnectionsAfterTheirNextAnswer() throws {
        let server = try TestServer(tls: authority.context())
        defer { server.stop() }
        let client = try TLSClient(port: server.port, settings())
        #expect(try client.exchange(Self.get).head.contains("Connection: close") == false)
        server.server.drain(deadline: coarseNow() + 10_000_000_000) {}
        // The loop hears of the drain and of the request at about the same time.
        let first = try client.exchange(Self.get).head
        let last = try first.contains("Connection: close") ? first : client.exchange(Self.get).head
        #expect(last.contains("Connection: close"))
        #expect(try client.receive().isEmpty)
    }
}

/// Bodies as they come, by exchange.
private final class Bodies: Sendable {
    private let all = Mutex<[ExchangeID: String]>([:])

    func add(_ piece: String, to exchange: ExchangeID) { all.withLock { $0[exchange, default: ""] += piece } }
    func take(_ exchange: ExchangeID) -> String { all.withLock { $0.removeValue(forKey: exchange) ?? "" } }
}
