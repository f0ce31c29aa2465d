import ClientService
import Fleet
import Foundation
import Testing

/// Who gets an answer from what, asked of a real company server and a real client.
@Suite("Who may do what in the fleet")
struct FleetAccessTests {
    private static let nobody = "00000000-0000-7000-8000-000000000000"

    private struct Row {
        var port: Int
        var method: String
        var path: String
        var allowed: Set<FleetWorld.Who>

        init(_ port: Int, _ method: String, _ path: String, _ allowed: Set<FleetWorld.Who>) {
            (self.port, self.method, self.path, self.allowed) = (port, method, path, allowed)
        }
    }

    /// What the handlers' ports answer, and whom: the rest gets 401, 403, or no TLS at all.
    private static let handlers: [Row] = [(50001, "sweeps"), (50002, "polls")].flatMap { port, path in
        [
            Row(port, "POST", "/v1/\(path)", [.operator, .admin]),
            Row(port, "GET", "/v1/\(path)/\(nobody)", [.viewer, .operator, .admin]),
            Row(port, "GET", "/v1/\(path)/\(nobody)/events", [.viewer, .operator, .admin]),
            Row(port, "DELETE", "/v1/\(path)/\(nobody)", [.operator, .admin]),
            Row(port, "POST", "/v1/doorbell", [.server]),
        ]
    }

    private static func allowed(_ endpoint: Endpoint) -> Set<FleetWorld.Who> {
        switch endpoint {
        case .enroll: Set(FleetWorld.Who.allCases)
        case .renew, .heartbeat, .lease, .progress, .result: [.client]
        case .clients, .client, .groups, .jobs, .job, .detections: [.viewer, .operator, .admin]
        case .cancelJob: [.operator, .admin]
        case .makeToken, .tokens, .deleteToken, .revoke, .backup: [.admin]
        case .status: [.viewer, .operator, .admin, .server]
        }
    }

    @Test func everyEndpointAnswersItsRolesAlone() throws {
        let world = try FleetWorld()
        try world.server.startAndWait()
        _ = try world.addClient("one")
        // The company server's own certificate is a client's too; here it is asked what the role alone may do.
        let serverAlone = IdentityFolder(path: "\(world.identities)/server")
        try world.issue([.server], to: serverAlone)
        var table = Endpoint.allCases.map {
            Row(50000, $0.method, $0.path.replacing("{}", with: Self.nobody), Self.allowed($0))
        }
        table += Self.handlers
        table += [
            Row(50000, "GET", "/", []), Row(50000, "GET", "/v1/nothing", []), Row(50000, "PUT", "/v1/clients", []),
        ]
        var asked = 0
        for row in table {
            for who in FleetWorld.Who.allCases {
                let folder = who == .server ? serverAlone : who == .nobody ? nil : world.identity(of: who)
                let place = "\(who) \(row.method) :\(row.port)\(row.path)"
                asked += 1
                if who == .nobody, row.port != 50000 {
                    #expect(throws: LiveFailure.self, "\(place): no certificate, no TLS") {
                        try world.ask(row.method, row.path, with: nil, port: row.port)
                    }
                    continue
                }
                let reply = try world.ask(
                    row.method, row.path, with: folder, row.method == "POST" ? [String: String]() : nil, port: row.port)
                if row.allowed.contains(who) {
                    #expect(![401, 403].contains(reply.status), "\(place): \(reply.status)")
                } else if row.allowed.isEmpty {
                    #expect(
                        who == .nobody ? reply.status == 401 : [404, 405].contains(reply.status),
                        "\(place): \(reply.status)")
                } else {
                    #expect(reply.status == (who == .nobody ? 401 : 403), "\(place): \(reply.status)")
                }
                if reply.status >= 400 {
                    #expect(
                        reply.problem?.status == reply.status && reply.problem?.detail.hasSuffix(".") == true,
                        "\(place)")
                }
            }
        }
        #expect(asked == table.count * 7 && table.count == Endpoint.allCases.count + 13)
    }

    @Test func certificatesOfAnotherAuthorityAreNone() throws {
        let (world, other) = (try FleetWorld(), try FleetWorld())
        try world.server.startAndWait()
        for who in [FleetWorld.Who.admin, .server] {
            #expect(throws: LiveFailure.self) {
                try world.ask("GET", "/v1/clients", with: other.identity(of: who))
            }
        }
    }

    @Test func aClientCanNeitherReadNorFinishAnothersJob() throws {
        let world = try FleetWorld()
        try world.server.startAndWait()
        let (one, two) = (try world.addClient("one"), try world.addClient("two"))
        let job = try world.order("poll", JobOrder(selector: "client=two"))
        let lease: LeaseAnswer? = try? world.ask(
            "POST", "/v1/jobs/lease", with: one.folder, LeaseRequest(instance: "a", held: [job.id], waitSeconds: 0)
        ).json()
        #expect(lease?.offers == [] && lease?.forget == [job.id])
        for path in ["progress", "result"] {
            let body: any Encodable =
                path == "result" ? Outcome(.succeeded) : ProgressReport(attempt: 1, sequence: 1, stage: .running)
            #expect(try world.ask("POST", "/v1/jobs/\(job.id)/\(path)", with: one.folder, body).status == 404)
        }
        #expect(try world.ask("GET", "/v1/jobs/\(job.id)", with: one.folder).status == 403)
        #expect(try world.report(job.id).rows.map(\.state) == [.queued])
        // Its own client may, and twice changes nothing.
        for _ in 0..<2 {
            let answer: OutcomeAnswer = try world.ask(
                "POST", "/v1/jobs/\(job.id)/result", with: two.folder, Outcome(.succeeded, result: .string("done"))
            ).json()
            #expect(answer.state == .succeeded)
        }
        #expect(try world.report(job.id).job.counts.succeeded == 1)
    }

    @Test func tokensAreGoodForWhatTheySayAndNoMore() throws {
        let world = try FleetWorld()
        try world.server.startAndWait()
        let token = try world.token(uses: 2)
        _ = try world.addClient("one", token: token)
        _ = try world.addClient("two", token: token)
        func refusal(_ secret: String, time: Timestamp = .now(), request: String? = nil, name: String = "x") throws
            -> Problem?
        {
            let pem = try request ?? IdentityKey.make().signingRequest(commonName: "x")
            return try world.ask(
                "POST", "/v1/enroll", as: .nobody, EnrolRequest(token: secret, request: pem, name: name, time: time)
            ).problem
        }
        #expect(try refusal(token.secret)?.code == .tokenUsedUp)
        #expect(try refusal("nonsense")?.code == .tokenUnknown)
        let short = try world.token(seconds: 1)
        try world.server.live.waitUntil("the token has expired") {
            try refusal(short.secret, name: "")?.code == .invalid && Timestamp.now() > short.expiresAt
        }
        #expect(try refusal(short.secret)?.code == .tokenExpired)
        let good = try world.token()
        let skewed = try refusal(good.secret, time: .now() + .seconds(3 * 86_400))
        #expect(skewed?.code == .clockSkew)
        #expect(
            skewed?.detail.contains("2 days 23 hours ahead of") == true
                || skewed?.detail.contains("3 days ahead of") == true, "\(skewed?.detail ?? "")")
        #expect(try refusal(good.secret, request: "nonsense")?.code == .invalid)
        let rows: Page<TokenRow> = try world.ask("GET", "/v1/tokens", as: .admin).json()
        #expect(rows.items.first { $0.id == good.id }?.usesLeft == 1, "none of it used the token up")
        #expect(try world.ask("DELETE", "/v1/tokens/\(good.id)", as: .admin).status == 204)
        #expect(try refusal(good.secret)?.code == .tokenUnknown)
    }

    @Test func whoIsRevokedIsRefusedAtOnceAndAfterARestart() throws {
        let world = try FleetWorld(clients: 2)
        let job = try world.order("poll", JobOrder(selector: "client=one", notBefore: .now() + .seconds(3600)))
        let done: Revocation = try world.ask("POST", "/v1/revocations", as: .admin, RevocationOrder(subject: "one"))
            .json()
        #expect(done.name == "one" && !done.wasRevoked)
        let one = world.clients[0]
        func beat() throws -> Problem? {
            try world.ask(
                "POST", "/v1/heartbeat", with: one.folder,
                Heartbeat(instance: "x", boot: "", name: "one", version: "", time: .now())
            ).problem
        }
        #expect(try beat()?.code == .revoked)
        #expect(try world.report(job.id).job.counts.failed == 1, "what it had to do has come to its end")
        #expect(
            try world.ask("POST", "/v1/revocations", as: .admin, RevocationOrder(subject: "admin/otto")).status == 200)
        for port in [50000, 50002] {
            let reply = try world.ask(
                port == 50000 ? "DELETE" : "POST", port == 50000 ? "/v1/jobs/\(job.id)" : "/v1/polls", as: .operator,
                JobOrder(selector: "all"), port: port)
            #expect(reply.status == 403 && reply.problem?.code == .revoked, ":\(port) \(reply.status)")
        }
        #expect(
            try world.ask("POST", "/v1/revocations", as: .admin, RevocationOrder(subject: "admin/anna")).status == 409,
            "not oneself")
        #expect(try world.ask("POST", "/v1/revocations", as: .admin, RevocationOrder(subject: "nobody")).status == 404)
        try world.server.live.stop()
        try world.server.startAndWait()
        #expect(try beat()?.code == .revoked)
        #expect(try world.ask("GET", "/v1/clients", as: .operator).problem?.code == .revoked)
        let poll = try world.order("poll", JobOrder(selector: "all"), as: .admin)
        #expect(poll.counts.total == 2, "a revoked client is not meant")
    }

    @Test func aCertificateIsRenewedAndTheFormerOneEnds() throws {
        let world = try FleetWorld()
        try world.server.startAndWait()
        let one = try world.addClient("one")
        let former = IdentityFolder(path: "\(world.identities)/former")
        try FileManager.default.copyItem(atPath: one.folder.path, toPath: former.path)
        let key = try IdentityKey.make()
        let order = RenewRequest(request: try key.signingRequest(commonName: "x"), instance: "a")
        let answer: RenewAnswer = try world.ask("POST", "/v1/renew", with: one.folder, order).json()
        #expect(answer.client == (try one.folder.read()).peer.client)
        func beat(_ folder: IdentityFolder) throws -> FleetWorld.Reply {
            try world.ask(
                "POST", "/v1/heartbeat", with: folder,
                Heartbeat(instance: "a", boot: "", name: "one", version: "", time: .now()))
        }
        #expect(try beat(former).status == 200, "the answer may have got lost")
        try one.folder.replace(key: key, certificate: answer.certificate)
        #expect(try beat(one.folder).status == 200)
        #expect(try beat(former).problem?.code == .superseded)
    }

    /// A disk that was copied: both machines get a key of their own, and the second an id of its own.
    @Test func twoMachinesWithOneIdentityBecomeTwoClients() throws {
        let world = try FleetWorld(clients: 1)
        let one = world.clients[0]
        let twin = try FleetHost(address: "127.77.\(world.network).9", name: "twin")
        try FileManager.default.removeItem(atPath: "\(twin.live.directory)/definitions")
        for folder in ["identity", "definitions"] {
            try FileManager.default.copyItem(
                atPath: "\(one.live.directory)/\(folder)", toPath: "\(twin.live.directory)/\(folder)")
        }
        let id = try #require(try one.folder.read().peer.client)
        try twin.configure(roles: "client")
        try twin.startAndWait()
        try world.server.live.waitUntil("both have an id of their own", within: 60) {
            guard let first = try? one.folder.read().peer.client, let second = try? twin.folder.read().peer.client
            else { return false }
            return first != second && [first, second].contains(id)
        }
        try world.waitUntilOnline(3)
        let page: Page<ClientRow> = try world.ask("GET", "/v1/clients", as: .viewer).json()
        #expect(page.items.count { $0.clonedFrom == id } == 2, "both are shown")
        #expect(world.server.live.log.contains("Two machines use one identity"))
        let job = try world.order("poll", JobOrder(selector: "all"))
        #expect(try world.waitForEnd(of: job.id).job.counts.succeeded == 3)
    }

    @Test func orderThatCannotBeCarriedOutIsRefusedWithAReason() throws {
        let world = try FleetWorld()
        try world.server.startAndWait()
        func problem(_ selector: String, _ order: JobOrder? = nil) throws -> Problem? {
            try world.ask("POST", "/v1/polls", as: .operator, order ?? JobOrder(selector: selector), port: 50002)
                .problem
        }
        #expect(try problem("group=cellar")?.code == .unknownGroup)
        #expect(try problem("group=cellar")?.column == 7)
        #expect(try problem("grup=x")?.code == .selector)
        #expect(try problem("all and")?.column == 8)
        #expect(try problem("client=nobody")?.code == .noClients)
        #expect(try problem("name=nobody")?.code == .noClients)
        #expect(try problem("", JobOrder(selector: "all", deadline: Timestamp(seconds: 1)))?.code == .invalid)
        #expect(try problem("", JobOrder(selector: "all", maxRuntime: 0))?.code == .invalid)
        let huge = JobOrder(selector: "all", parameters: .string(String(repeating: "x", count: 70_000)))
        #expect(try problem("", huge)?.status == 413)
    }

    /// A shell with a transaction open on the store: clients keep their results, and bring them when it is gone.
    @Test func aStoreThatIsLockedLosesNothing() throws {
        let world = try FleetWorld(clients: 2)
        let path = "\(world.server.live.directory)/data/components/ClientService/fleet.sqlite"
        let script = """
            import sqlite3, sys, time
            db = sqlite3.connect(sys.argv[1], isolation_level=None)
            db.execute("BEGIN IMMEDIATE"); print("held", flush=True); sys.stdin.read(); db.execute("ROLLBACK")
            """
        let job = try world.order("poll", JobOrder(selector: "all", notBefore: .now() + .seconds(1)))
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3", "-c", script, path]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        defer { if process.isRunning { process.terminate() } }
        #expect(String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).hasPrefix("held"))
        try world.server.live.waitUntil("the server says who is in the way", within: 30) {
            world.server.live.log.contains("another process holds the store")
        }
        #expect(
            try world.ask("POST", "/v1/tokens", as: .admin, TokenOrder(group: "g", uses: 1, expiresSeconds: 60))
                .problem?.code == .store)
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        #expect(try world.waitForEnd(of: job.id).job.counts.succeeded == 3)
    }
}
