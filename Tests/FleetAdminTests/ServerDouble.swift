import Fleet
import FleetAdmin
import FoundationEssentials
import Locks
import NetworkTesting

/// A company server of a test: answers each request by its first line, over TLS with certificates of its own.
final class ServerDouble: Sendable {
    struct Request: Sendable {
        /// `GET /v1/clients`.
        var line: String
        var head: String
        var body: [UInt8]

        /// After `?`.
        var query: String { line.split(separator: "?", maxSplits: 1).dropFirst().first.map(String.init) ?? "" }
        var path: String { line.split(separator: "?").first.map(String.init) ?? "" }
    }

    typealias Answer = @Sendable (Request, ServerConnection) throws -> Void

    private let fleet: TestIssuer?
    private let server: ScriptedServer
    private let seen: Locked<[Request]>

    /// - Parameters:
    ///   - names: of the server's certificate.
    ///   - answer: to each request of each connection.
    convenience init(
        _ fleet: TestIssuer, names: [String] = ["URI:muster:server"], days: ClosedRange<Int> = -1...30,
        clientAuthority: TestIssuer? = nil, answer: @escaping Answer
    ) throws {
        let identity = try fleet.issue(names, days: days)
        let tls = ScriptedServer.TLS(identity, clientAuthority: (clientAuthority ?? fleet).certificate)
        try self.init(tls, fleet: fleet, answer: answer)
    }

    init(_ tls: ScriptedServer.TLS, fleet: TestIssuer? = nil, answer: @escaping Answer) throws {
        let seen = Locked<[Request]>([])
        self.fleet = fleet
        self.seen = seen
        server = try ScriptedServer(tls) { connection in
            while true {
                let (head, body) = try connection.readRequest()
                let words = head.split(separator: "\r\n").first.map { $0.split(separator: " ") } ?? []
                let request = Request(
                    line: words.prefix(2).joined(separator: " "), head: head, body: body)
                seen.withLock { $0.append(request) }
                try answer(request, connection)
            }
        }
    }

    /// Accepts no more.
    func stop() { server.stop() }

    var port: Int { Int(server.port) }

    var requests: [Request] { seen.withLock { $0 } }

    /// An administrator's client of this server, all of whose components are at one port.
    func client(
        days: ClosedRange<Int> = -1...30, issuer: TestIssuer? = nil, patience: AdminClient.Patience = .brief
    ) throws -> AdminClient {
        try AdminClient(access(days: days, issuer: issuer), patience: patience)
    }

    private struct NoIssuer: Error {}

    func access(days: ClosedRange<Int> = -1...30, issuer: TestIssuer? = nil) throws -> AdminAccess {
        guard let fleet else { throw NoIssuer() }
        let identity = try (issuer ?? fleet).issue(["URI:muster:admin/anna?role=admin"], days: days)
        let address = ServerAddress(host: "127.0.0.1", port: port)
        return AdminAccess(
            certificate: Array(identity.certificate), privateKey: Array(identity.privateKey),
            authority: Array(fleet.certificate), clients: address, sweeps: address, polls: address)
    }
}

extension AdminClient.Patience {
    static let brief = AdminClient.Patience(tries: 3, longestWait: 0.02)
}

extension ServerConnection {
    func answer(json value: some Encodable, status: String = "200 OK") throws {
        try answer(status, ["Content-Type: application/json"], body: try FleetJSON.encode(value))
    }

    func answer(_ problem: Problem, _ fields: [String] = []) throws {
        try answer(
            "\(problem.status) Refused", ["Content-Type: application/problem+json"] + fields,
            body: try FleetJSON.encode(problem))
    }

    /// The head of an answer that ends where the connection does.
    func beginEvents() throws {
        try write("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
    }

    func send(chunk text: String) throws {
        try write("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n")
    }

    func endChunks() throws { try write("0\r\n\r\n") }
}
