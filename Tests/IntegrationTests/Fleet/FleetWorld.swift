import Fleet
import Foundation

/// A company server, clients and administrators, on addresses of their own with the documented ports.
final class FleetWorld {
    /// Who asks; each has an identity of its own.
    enum Who: String, CaseIterable {
        case nobody, viewer, `operator`, admin, client, server, distributor
    }

    struct Reply {
        var status: Int
        var body: [UInt8]

        func json<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
            do {
                return try FleetJSON.decode(Value.self, from: body)
            } catch {
                throw LiveFailure("\(status) \(error): \(String(decoding: body, as: UTF8.self))")
            }
        }

        var problem: Problem? { try? json() }
    }

    private static let networks = Counter()

    let network: Int
    let authority: FleetAuthority
    let server: FleetHost
    private let supervision: String
    private(set) var clients: [FleetHost] = []
    /// Folders of administrators and others, below the server's.
    let identities: String

    /// - Parameter settings: lines of ClientService's `server` options.
    init(settings: String = "{heartbeat: 1s, lease: 10s}", supervision: String = "") throws {
        self.supervision = supervision
        network = Self.networks.next()
        let made = try FleetAuthority.make(fleet: "test")
        authority = try FleetAuthority(
            issuingCertificate: made.issuingCertificate, issuingKey: made.issuingKey, root: made.rootCertificate)
        server = try FleetHost(address: "127.77.\(network).1", name: "server")
        identities = "\(server.live.directory)/people"
        try IssuingFolder(path: "\(server.live.directory)/authority").write(
            made, FleetProfile(fleet: "test", server: "\(server.address):50000"))
        try issue([.server, .client(.make())], to: server.folder, names: [server.address, "localhost"])
        for (who, role) in [
            (Who.viewer, FleetRole.admin(name: "vera", .viewer)), (.operator, .admin(name: "otto", .operator)),
            (.admin, .admin(name: "anna", .admin)), (.distributor, .distributor(name: "dora")),
        ] {
            try issue([role], to: identity(of: who))
        }
        try server.configure(roles: "server, client", settings: settings, host: supervision)
    }

    func identity(of who: Who) -> IdentityFolder {
        switch who {
        case .server: server.folder
        case .client: clients.first?.folder ?? IdentityFolder(path: "/nowhere")
        default: IdentityFolder(path: "\(identities)/\(who.rawValue)")
        }
    }

    func issue(
        _ roles: [FleetRole], to folder: IdentityFolder, names: [String] = [], lifetime: Duration = .seconds(86_400)
    ) throws {
        let key = try IdentityKey.make()
        let request = try SigningRequest(pem: try key.signingRequest(commonName: "test"))
        let issued = try authority.issue(roles, to: request, commonName: "test", names: names, lifetime: lifetime)
        try FileManager.default.createDirectory(
            atPath: (folder.path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try folder.write(
            key: key, certificate: issued.pem + (roles.contains(.server) ? authority.root : ""),
            authority: authority.root,
            profile: FleetProfile(fleet: "test", server: "\(server.address):50000"))
    }

    // MARK: Clients

    func token(group: String = "office", uses: Int = 1, seconds: Int = 600) throws -> MadeToken {
        let order = TokenOrder(group: group, uses: uses, expiresSeconds: seconds)
        return try ask("POST", "/v1/tokens", as: .admin, order).json()
    }

    /// A client that is enrolled and not yet started.
    func addClient(_ name: String, token: MadeToken? = nil) throws -> FleetHost {
        let host = try FleetHost(address: "127.77.\(network).\(clients.count + 2)", name: name)
        let key = try IdentityKey.make()
        let order = EnrolRequest(
            token: try (token ?? self.token()).secret, request: try key.signingRequest(commonName: name), name: name,
            time: .now())
        let answer: EnrolAnswer = try ask("POST", "/v1/enroll", as: .nobody, order).json()
        try host.folder.write(
            key: key, certificate: answer.certificate, authority: answer.authority,
            profile: FleetProfile(fleet: "test", server: "\(server.address):50000"))
        try host.configure(roles: "client", host: supervision)
        clients.append(host)
        return host
    }

    // MARK: Asking

    /// One request by curl, over a connection of its own.
    func ask(
        _ method: String, _ path: String, as who: Who, _ body: (any Encodable)? = nil, port: Int = 50000,
        at address: String? = nil
    ) throws -> Reply {
        try ask(method, path, with: who == .nobody ? nil : identity(of: who), body, port: port, at: address)
    }

    func ask(
        _ method: String, _ path: String, with folder: IdentityFolder?, _ body: (any Encodable)? = nil,
        port: Int = 50000, at address: String? = nil, seconds: Int = 20
    ) throws -> Reply {
        let root = "\(server.live.directory)/root.pem"
        try authority.root.write(toFile: root, atomically: true, encoding: .utf8)
        // The names in certificates of clients are their roles; who answers is the tests' own.
        var arguments = [
            "--silent", "--show-error", "--insecure", "--cacert", root, "--max-time", "\(seconds)", "--request", method,
            "--write-out", "\n%{http_code}",
        ]
        if let folder { arguments += ["--cert", folder.identityPath] }
        if let body {
            arguments += [
                "--header", "Content-Type: application/json", "--data-binary",
                String(decoding: try FleetJSON.encode(body), as: UTF8.self),
            ]
        }
        let outcome = try Command.run(
            "/usr/bin/curl", arguments + ["https://\(address ?? server.address):\(port)\(path)"])
        let parts = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
        guard outcome.status == 0, let last = parts.last, let status = Int(last) else {
            throw LiveFailure("curl \(method) \(path): \(outcome.output)")
        }
        return Reply(status: status, body: Array(parts.dropLast().joined(separator: "\n").utf8))
    }

    /// A command line, by the administrator.
    func muster(_ arguments: String..., as who: Who = .admin) throws -> Command.Outcome {
        try Command.run("muster", arguments + ["--identity", identity(of: who).path])
    }

    // MARK: Jobs

    func order(_ kind: String, _ order: JobOrder, as who: Who = .operator) throws -> Job {
        let reply = try ask("POST", "/v1/\(kind)s", as: who, order, port: kind == "poll" ? 50002 : 50001)
        guard reply.status == 202 else {
            throw LiveFailure("\(reply.status): \(String(decoding: reply.body, as: UTF8.self))")
        }
        return try reply.json()
    }

    func report(_ job: JobID) throws -> JobReport { try ask("GET", "/v1/jobs/\(job)?limit=500", as: .viewer).json() }

    /// Waits until every assignment of a job has reached its end.
    @discardableResult
    func waitForEnd(of job: JobID, within seconds: Double = 60) throws -> JobReport {
        var last: JobReport?
        try server.live.waitUntil("job \(job) ends; last \(String(describing: last?.job.counts))", within: seconds) {
            last = try? report(job)
            return last?.job.counts.isFinished ?? false
        }
        return try report(job)
    }

    func waitUntilOnline(_ count: Int) throws {
        try server.live.waitUntil("\(count) clients are online") {
            let page: Page<ClientRow>? = try? ask("GET", "/v1/clients", as: .viewer).json()
            return page?.items.count { $0.isOnline } == count
        }
    }
}

/// One machine of the fleet.
final class FleetHost {
    let live: LiveHost
    let address: String
    let name: String
    var folder: IdentityFolder { IdentityFolder(path: "\(live.directory)/identity") }

    init(address: String, name: String) throws {
        live = try LiveHost()
        self.address = address
        self.name = name
        for component in ["ClientService", "PollHandler", "SweepHandler"] { try live.install(component, as: component) }
        try FileManager.default.createDirectory(
            atPath: "\(live.directory)/definitions", withIntermediateDirectories: true)
    }

    /// - Parameter polls: a line of PollHandler's options.
    func configure(
        roles: String, settings: String = "{}", polls: String = "", host more: String = "", others: String = ""
    ) throws {
        try live.configure(
            """
            ClientService:
              listen: {clients: "\(address):50000"}
              config:
                roles: [\(roles)]
                identity: identity
                \(roles.contains("server") ? "authority: authority" : "")
                \(roles.contains("server") ? "server: \(settings)" : "")
                client: {name: \(name), doorbell_address: \(address)}
            PollHandler:
              listen: {polls: "\(address):50002"}
              config:
                roles: [\(roles)]
                identity: identity
                \(polls)
            SweepHandler:
              listen: {sweeps: "\(address):50001"}
              config: {roles: [\(roles)], identity: identity, definitions: definitions}
            \(others)
            """,
            host: """
                identity: {certificate: identity/identity.pem, private_key: identity/identity.pem, authority: identity/authority.pem}
                \(more)
                """)
    }

    /// Gives what the components read to the user that workers run as, where the host is started as root.
    func handOver() { live.handOver(["identity", "authority", "definitions"]) }

    func start() throws {
        handOver()
        try live.start()
    }

    func startAndWait() throws {
        handOver()
        try live.startAndWait()
    }

    /// The process of one of its components.
    func process(of component: String) throws -> pid_t? {
        try live.component(component).pid.map { pid_t($0) }
    }
}
