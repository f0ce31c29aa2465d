import Fleet
import JobHandling
import MusterABI
import PluginTesting
import Testing

/// Who may do what at the two ports.
@Suite struct EndpointTests {
    private static let id = "0190a0b0-1111-7000-8000-000000000001"

    private enum Least { case viewer, `operator`, server, anybody }

    private static let identities: [(name: String, identity: FakeIdentity?)] = [
        ("nobody", nil), ("a stranger", .stranger), ("a viewer", .viewer), ("an operator", .operator),
        ("an admin", .admin), ("a client", .client), ("the server", .server), ("a distributor", .distributor),
        ("the company server", .companyServer),
    ]

    private func expected(_ least: Least, _ name: String, _ done: UInt32) -> UInt32 {
        let allowed: [String] =
            switch least {
            case .viewer: ["a viewer", "an operator", "an admin"]
            case .operator: ["an operator", "an admin"]
            case .server: ["the server", "the company server"]
            case .anybody: Self.identities.map(\.name)
            }
        if name == "nobody" || name == "a stranger" { return 401 }
        return allowed.contains(name) ? done : 403
    }

    @Test(arguments: HandlerFixture.Kind.allCases) func everyEndpointKnowsEveryIdentity(
        _ kind: HandlerFixture.Kind
    ) async throws {
        let fixture = try HandlerFixture(kind)
        let job = Job.sample(kind.rawValue, try #require(JobID(Self.id)), succeeded: 2)
        fixture.serve("fleet.jobs create", job)
        fixture.serve("fleet.jobs cancel", job)
        fixture.serve("fleet.jobs get", JobReport(job: job, rows: []))
        fixture.serve("fleet.jobs doorbells", Page<RingOrder>(items: []))
        fixture.serve("client.jobs fetch", FetchOrder(job: job.id))
        let base = fixture.base
        let endpoints: [(String, String, [UInt8]?, Least, UInt32)] = [
            ("POST", base, Array(#"{"selector": "all"}"#.utf8), .operator, 202),
            ("GET", "\(base)/\(Self.id)", nil, .viewer, 200),
            ("HEAD", "\(base)/\(Self.id)?limit=5", nil, .viewer, 200),
            ("GET", "\(base)/\(Self.id)/events", nil, .viewer, 200),
            ("DELETE", "\(base)/\(Self.id)", nil, .operator, 200),
            ("POST", "/v1/doorbell", Array(#"{"job": "\#(Self.id)"}"#.utf8), .server, 202),
            ("GET", base, nil, .anybody, 405),
            ("PUT", "\(base)/\(Self.id)", nil, .anybody, 405),
            ("POST", "\(base)/\(Self.id)/events", nil, .anybody, 405),
            ("GET", "/v1/doorbell", nil, .anybody, 405),
            ("GET", "/", nil, .anybody, 404),
            ("GET", "\(base)/", nil, .anybody, 404),
            ("GET", "\(base)/12", nil, .anybody, 404),
            ("GET", "\(base)/\(Self.id)/rows", nil, .anybody, 404),
            ("GET", kind == .poll ? "/v1/sweeps/\(Self.id)" : "/v1/polls/\(Self.id)", nil, .anybody, 404),
            ("POST", "/v1/enroll", Array("{}".utf8), .anybody, 404),
        ]
        for (method, target, body, least, done) in endpoints {
            for (name, identity) in Self.identities {
                let answer = try await fixture.send(method, target, as: identity, body: body)
                #expect(answer.status == expected(least, name, done), "\(name): \(method) \(target)")
                #expect(answer["Cache-Control"] == "no-store" && answer["X-Content-Type-Options"] == "nosniff")
                if answer.status >= 400, method != "HEAD" { _ = try fixture.problem(answer) }
                #expect((answer["Allow"] != nil) == (answer.status == 405))
            }
        }
        // Nobody who was refused had anything done.
        let callers = try fixture.calls.filter { $0.method == "create" }.map {
            try FleetJSON.decode(CreateJob.self, from: $0.payload).caller.uri
        }
        #expect(callers == ["muster:admin/otto?role=operator", "muster:admin/anna?role=admin"])
        #expect(fixture.calls.filter { $0.service == "client.jobs" }.count == 2)
        try await fixture.end()
    }

    @Test(arguments: HandlerFixture.Kind.allCases) func roleThatIsNotChosenIsNotThere(
        _ kind: HandlerFixture.Kind
    ) async throws {
        let client = try HandlerFixture(kind, roles: ["client"])
        #expect(try await client.send("POST", client.base, as: .admin, body: Array("{}".utf8)).status == 404)
        #expect(try await client.send("GET", "\(client.base)/\(Self.id)", as: nil).status == 401)
        let server = try HandlerFixture(kind, roles: ["server"])
        let answer = try await server.send("POST", "/v1/doorbell", as: .server, body: Array("{}".utf8))
        #expect(answer.status == 404)
        #expect(try server.problem(answer).detail.contains("role 'client'"))
        try await client.end()
        try await server.end()
    }

    @Test(arguments: HandlerFixture.Kind.allCases) func serverWithoutAnIdentityIsAMistakeOfTheConfiguration(
        _ kind: HandlerFixture.Kind
    ) throws {
        let fixture = try HandlerFixture(kind, roles: [], starts: false)
        let host = FakeHost(
            fixture.host.manifest, settings: ["roles": .list([.word("server")])], stateDirectory: fixture.state)
        try host.create()
        #expect {
            try host.prepare()
        } throws: { error in
            "\(error)".contains("muster fleet init")
        }
        host.destroy()
    }
}
