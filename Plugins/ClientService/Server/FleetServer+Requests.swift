internal import Fleet
import PluginKit

/// The answers of :50000: who asks is known before what is asked is read.
final class FleetRequests: AsyncRequestHandler {
    static let bodyLimit = Endpoint.allCases.reduce(0) { max($0, $1.bodyLimit) }

    private let server: FleetServer?
    private let agent: ClientAgent?
    private let roles: Set<ClientServiceRole>
    private let ownClient: ClientID?

    init(server: FleetServer?, agent: ClientAgent?, roles: Set<ClientServiceRole>, ownClient: ClientID?) {
        self.server = server
        self.agent = agent
        self.roles = roles
        self.ownClient = ownClient
    }

    func handle(_ request: RequestHead, body: RequestBody, _ exchange: Exchange) async throws {
        do {
            let answer = try await answer(request, body: body, exchange)
            answer.send(exchange)
        } catch let problem as Problem {
            if problem.status == 401 || problem.status == 403 { server?.metrics.refused.add() }
            Answer.problem(problem).send(exchange)
        } catch let error as StoreError {
            if error.kind != .closed { server?.note(trouble: error.message) }
            Answer.problem(
                error.kind == .closed
                    ? Problem(503, .handingOver, "ClientService hands over to a newer generation; try again at once.")
                    : Problem(
                        503, .store,
                        "The company server cannot reach its store just now; try again later. Its log says why.")
            ).send(exchange)
        }
    }

    private func answer(_ request: RequestHead, body: RequestBody, _ exchange: Exchange) async throws -> Answer {
        let peer = request.identity.flatMap { FleetPeer(uris: $0.uris, subject: $0.subject) }
        let found = Endpoint.find(method: request.method, path: request.path, roles: roles)
        // A stranger learns nothing of what is here.
        if peer == nil, (try? found.get())?.0 != .enroll, let problem = Access.check(.rank(.viewer), nil, own: nil) {
            throw problem
        }
        let (endpoint, part) = try found.get()
        if let problem = Access.check(endpoint.access, peer, own: ownClient) { throw problem }
        let query = Query(request.target)
        if endpoint == .status { return try await status(peer, query) }
        guard let server else { throw Problem(404, .notFound, "This machine is not the company server.") }
        if case .rank = endpoint.access, let role = peer?.roles.first, let problem = server.registry.refusal(of: role) {
            throw problem
        }
        let bytes = endpoint.method == "POST" ? try await Self.collect(body, endpoint.bodyLimit) : []
        let call = FleetCall(
            peer: peer, part: part, query: query, body: bytes, address: String(request.peer.addressWithoutPort))
        return try await server.answer(endpoint, call, exchange)
    }

    private static func collect(_ body: RequestBody, _ limit: Int) async throws -> [UInt8] {
        do {
            return try await body.collect(upTo: limit)
        } catch is BodyTooLarge {
            throw Problem(413, .invalid, "The body is larger than the \(limit >> 10) KiB that this path takes.")
        }
    }

    private func status(_ peer: FleetPeer?, _ query: Query) async throws -> Answer {
        if let peer, let server, peer.client == nil || peer.client != ownClient, !peer.isServer,
            let role = peer.roles.first,
            let problem = server.registry.refusal(of: role)
        {
            throw problem
        }
        return try .json(
            ServiceStatus(roles: roles.map(\.rawValue).sorted(), client: agent?.standing, server: server?.standing))
    }
}

/// What `GET /v1/status` answers.
struct ServiceStatus: Codable, Hashable, Sendable {
    struct Server: Codable, Hashable, Sendable {
        var clients: Int
        var online: Int
        var waiting: Int
    }

    var roles: [String]
    var client: ClientStanding?
    var server: Server?
}

/// A request that was found to be allowed.
struct FleetCall: Sendable {
    var peer: FleetPeer?
    /// What stands for `{}` in the endpoint's path.
    var part: String
    var query: Query
    var body: [UInt8]
    /// Where it comes from, without the port.
    var address: String

    /// Throws a `Problem` that says what is wrong with it.
    func json<Value: Decodable>(_ type: Value.Type = Value.self) throws(Problem) -> Value {
        do {
            return try FleetJSON.decode(Value.self, from: body)
        } catch {
            throw Problem(400, .invalid, "The body is not what this path takes: \(error).")
        }
    }

    func job() throws(Problem) -> JobID {
        guard let id = JobID(part) else {
            throw Problem(404, .notFound, "There is no job \(part.shortened); a job's id is a UUID.")
        }
        return id
    }
}

extension String {
    /// For a sentence: what came from outside is not repeated at length.
    var shortened: String { count <= 60 ? "'\(self)'" : "'\(prefix(59))…'" }

    /// `192.0.2.7` of `192.0.2.7:40112`, `2001:db8::7` of `[2001:db8::7]:40112`.
    var addressWithoutPort: Substring {
        guard let colon = lastIndex(of: ":") else { return self[...] }
        var host = self[..<colon]
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        // IPv4 over a socket of both kinds.
        return host.lowercased().hasPrefix("::ffff:") ? host.dropFirst(7) : host
    }
}
