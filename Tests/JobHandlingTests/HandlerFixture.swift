import Fleet
import FoundationEssentials
import JobHandling
import MusterABI
import PluginKit
import PluginTesting
import PollHandler
import SweepHandler
import Testing

/// A handler in a host that the test plays.
final class HandlerFixture: @unchecked Sendable {
    // Unchecked: a test has one thread that uses it.
    enum Kind: String, CaseIterable { case poll, sweep }

    /// What a service of the bus does.
    typealias Service = (FakeCall) -> (outcome: muster_bus_outcome, payload: [UInt8])

    let kind: Kind
    let host: FakeHost
    let folder: String
    var services: [String: Service] = [:]
    /// Calls that were answered.
    private(set) var calls: [FakeCall] = []

    var listener: String { "\(kind.rawValue)s" }
    var base: String { "/v1/\(kind.rawValue)s" }
    var state: String { folder + "/state" }

    init(
        _ kind: Kind, roles: [String] = ["server", "client"], settings: [String: Setting] = [:],
        in given: String? = nil, starts: Bool = true
    ) throws {
        self.kind = kind
        folder = given ?? FileManager.default.temporaryDirectory.path + "/muster-handler-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/state", withIntermediateDirectories: true)
        var all = settings
        all["roles"] = .list(roles.map { .word($0) })
        if roles.contains("server"), all["identity"] == nil { all["identity"] = .path(folder + "/identity") }
        let manifest =
            kind == .poll
            ? PluginEntry.manifest(of: PollHandler.self) : PluginEntry.manifest(of: SweepHandler.self)
        host = FakeHost(manifest, settings: all, stateDirectory: folder + "/state")
        if starts { try host.start() }
    }

    /// As a worker ends a component.
    func end(keepingFolder: Bool = false) async throws {
        // Some tests have done it before.
        try? host.quiesce()
        host.cancelWork()
        await host.stopOnControlThread()
        host.destroy()
        if !keepingFolder { try? FileManager.default.removeItem(atPath: folder) }
    }

    // MARK: The test's turn

    /// Does the host's work and answers calls until something is so.
    func until(
        _ what: String, firing: Bool = false, sourceLocation: SourceLocation = #_sourceLocation,
        _ condition: () -> Bool
    ) async throws {
        for _ in 0..<10_000 {
            pump()
            if firing { host.fireTimers() }
            if condition() { return }
            try await Task.sleep(for: .milliseconds(1))
        }
        Issue.record("it did not come to this: \(what)", sourceLocation: sourceLocation)
        throw NotReached()
    }

    struct NotReached: Error {}

    private func pump() {
        host.runWork()
        while let call = host.calls.first, let service = services["\(call.service) \(call.method)"] {
            let answer = service(call)
            calls.append(call)
            host.answerCall(
                answer.outcome, status: answer.outcome == MUSTER_BUS_ANSWERED ? MUSTER_OK : MUSTER_FAILED,
                payload: answer.payload, reason: "the test says so")
        }
    }

    /// Has a service answer with a value.
    func serve(_ service: String, _ value: some Encodable & Sendable) {
        services[service] = { _ in (MUSTER_BUS_ANSWERED, (try? FleetJSON.encode(value)) ?? []) }
    }

    // MARK: Requests

    func begin(
        _ method: String, _ target: String, as identity: FakeIdentity?, body: [UInt8]? = nil, room: Int? = nil
    ) -> UInt64 {
        var request = FakeRequest(target, method: method, hasBody: body != nil)
        request.identity = identity
        request.room = room
        let number = host.send(request, to: listener)
        if let body {
            host.sendBody(body, number)
            host.endBody(number)
        }
        return number
    }

    func send(
        _ method: String, _ target: String, as identity: FakeIdentity?, body: [UInt8]? = nil
    ) async throws -> FakeAnswer {
        let number = begin(method, target, as: identity, body: body)
        try await until("\(method) \(target) is answered") { host.answer(number).isEnded }
        return host.answer(number)
    }

    func problem(_ answer: FakeAnswer) throws -> Problem {
        #expect(answer["Content-Type"] == "application/problem+json")
        let problem = try FleetJSON.decode(Problem.self, from: answer.body)
        #expect(problem.status == Int(answer.status))
        return problem
    }

    // MARK: Work

    func offer(_ parameters: JSONValue = .null, job: JobID = .make(), attempt: Int = 1) -> Offer {
        Offer(
            job: job, kind: kind.rawValue, parameters: parameters, attempt: attempt,
            deadline: .now() + .seconds(600), maxRuntime: 300)
    }

    func run(_ offer: Offer) throws -> UInt64 {
        host.give("job.\(kind.rawValue)", "run", from: "ClientService", try FleetJSON.encode(offer))
    }

    func outcome(of call: UInt64) async throws -> Outcome {
        try await until("the work is done") { host.reply(to: call) != nil }
        let reply = try #require(host.reply(to: call))
        #expect(reply.status == MUSTER_OK, "\(reply.reason)")
        return try FleetJSON.decode(from: reply.payload)
    }
}

extension FakeIdentity {
    static func fleet(_ uris: String...) -> Self { Self(subject: "CN=somebody,serialNumber=0A1B", uris: uris) }

    static let viewer = fleet("muster:admin/vera?role=viewer")
    static let `operator` = fleet("muster:admin/otto?role=operator")
    static let admin = fleet("muster:admin/anna?role=admin")
    static let client = fleet("muster:client/0190a0b0-0000-7000-8000-000000000001")
    static let server = fleet("muster:server")
    static let distributor = fleet("muster:distributor/dora")
    static let companyServer = fleet("muster:client/0190a0b0-0000-7000-8000-000000000002", "muster:server")
    static let stranger = fleet("https://example.com/", "muster:admin/eve?role=emperor")
}

extension Job {
    static func sample(_ kind: String, _ id: JobID = .make(), succeeded: Int = 0, of total: Int = 2) -> Job {
        var counts = AssignmentCounts()
        counts.queued = total - succeeded
        counts.succeeded = succeeded
        return Job(
            id: id, kind: kind, selector: "all", parameters: .null, notBefore: nil, deadline: .now() + .seconds(60),
            maxRuntime: 60, createdBy: "muster:admin/otto?role=operator", createdAt: .now(),
            finishedAt: succeeded == total ? .now() : nil, counts: counts)
    }

    var event: JobEvent { JobEvent(job: id, kind: kind, counts: counts) }
}
