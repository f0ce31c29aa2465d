import Fleet
import MusterABI
import PluginTesting
import Testing

@testable import JobHandling

/// What administrators hear, with ClientService played by the test.
@Suite struct JobDeskTests {
    private func order(
        _ fixture: HandlerFixture, _ body: String = #"{"selector": "all"}"#
    ) async throws -> FakeAnswer {
        try await fixture.send("POST", fixture.base, as: .operator, body: Array(body.utf8))
    }

    @Test func orderReachesTheFleetAndItsJobComesBack() async throws {
        let fixture = try HandlerFixture(.sweep)
        let job = Job.sample("sweep")
        fixture.serve("fleet.jobs create", job)
        fixture.serve("fleet.jobs doorbells", Page<RingOrder>(items: []))
        let answer = try await order(
            fixture,
            #"{"selector": "os=linux", "parameters": {"paths": ["/srv"], "someKey": 1}, "max_runtime": 60, "new": 1}"#)
        #expect(answer.status == 202 && answer["Location"] == "/v1/sweeps/\(job.id)")
        #expect(try FleetJSON.decode(Job.self, from: answer.body) == job)
        let made = try FleetJSON.decode(CreateJob.self, from: fixture.calls[0].payload)
        #expect(made.caller == Caller(uri: "muster:admin/otto?role=operator", serial: "0A1B"))
        #expect(made.kind == "sweep" && made.order.selector == "os=linux" && made.order.maxRuntime == 60)
        // What the order does not know is passed over; parameters go on as they are.
        #expect(made.order.parameters == .object(["paths": .array([.string("/srv")]), "someKey": .integer(1)]))
        try await fixture.end()
    }

    @Test func whatIsWrongWithAnOrderIsSaid() async throws {
        let fixture = try HandlerFixture(.poll)
        for (body, status, part) in [
            ("", UInt32(400), "it is not JSON"), ("[]", 400, "wrong type"), ("{}", 400, "selector: it is missing"),
            (#"{"selector": "all", "deadline": "tomorrow"}"#, 400, "deadline: it is not a time"),
            (#"{"selector": "\#(String(repeating: "x", count: 70_000))"}"#, 413, "65536 bytes"),
        ] {
            let answer = try await order(fixture, body)
            #expect(answer.status == status)
            #expect(try fixture.problem(answer).detail.contains(part), "\(body.prefix(40)): \(answer.text)")
        }
        #expect(fixture.host.calls.isEmpty)
        for query in ["limit=501", "limit=-1", "limit=x", "limit=", "after=", "after=%zz", "after=%ff"] {
            let answer = try await fixture.send("GET", "\(fixture.base)/\(JobID.make())?\(query)", as: .viewer)
            #expect(answer.status == 400, "\(query)")
        }
        try await fixture.end()
    }

    @Test func rowsAreAskedForAsTheQuerySays() async throws {
        let fixture = try HandlerFixture(.poll)
        let job = Job.sample("poll")
        fixture.serve("fleet.jobs get", JobReport(job: job, rows: [], next: "b"))
        let answer = try await fixture.send("GET", "/v1/polls/\(job.id)?x=1&after=a%2Fb&limit=7", as: .viewer)
        #expect(try FleetJSON.decode(JobReport.self, from: answer.body).next == "b")
        let query = try FleetJSON.decode(JobQuery.self, from: fixture.calls[0].payload)
        #expect(query.kind == "poll" && query.job == job.id && query.after == "a/b" && query.limit == 7)
        #expect(query.caller.uri == "muster:admin/vera?role=viewer")
        try await fixture.end()
    }

    @Test func refusalOfTheFleetIsPassedThrough() async throws {
        let fixture = try HandlerFixture(.poll)
        let refusal = Problem(400, .selector, "Column 5: '=' is missing.", column: 5)
        fixture.services["fleet.jobs create"] = { _ in (MUSTER_BUS_FAILED, (try? FleetJSON.encode(refusal)) ?? []) }
        let answer = try await order(fixture)
        #expect(answer.status == 400)
        #expect(try fixture.problem(answer) == refusal)
        try await fixture.end()
    }

    @Test func fleetThatIsNotThereIsSaidAndMayBeTriedAgain() async throws {
        let fixture = try HandlerFixture(.poll)
        fixture.services["fleet.jobs create"] = { _ in (MUSTER_BUS_UNREACHABLE, []) }
        let unreachable = try await order(fixture)
        #expect(unreachable.status == 503 && unreachable["Retry-After"] == "2")
        #expect(try fixture.problem(unreachable).code == .unavailable)
        // An order that may have been taken is not to be repeated blindly.
        fixture.services["fleet.jobs create"] = { _ in (MUSTER_BUS_TIMED_OUT, []) }
        let lost = try await order(fixture)
        #expect(lost.status == 504 && lost["Retry-After"] == nil)
        #expect(try fixture.problem(lost).detail.contains("The job may exist all the same"))
        fixture.services["fleet.jobs get"] = { _ in (MUSTER_BUS_TIMED_OUT, []) }
        #expect(try await fixture.send("GET", "/v1/polls/\(JobID.make())", as: .viewer).status == 503)
        fixture.services["fleet.jobs get"] = { _ in (MUSTER_BUS_ANSWERED, Array("nonsense".utf8)) }
        #expect(try await fixture.send("GET", "/v1/polls/\(JobID.make())", as: .viewer).status == 503)
        try await fixture.end()
    }

    // MARK: Events

    private func watch(_ fixture: HandlerFixture, _ job: Job, room: Int? = nil) async throws -> UInt64 {
        fixture.serve("fleet.jobs get", JobReport(job: job, rows: []))
        let number = fixture.begin("GET", "\(fixture.base)/\(job.id)/events", as: .viewer, room: room)
        try await fixture.until("the stream begins") {
            fixture.host.answer(number).status != 0 && (room == 0 || !fixture.host.answer(number).body.isEmpty)
        }
        return number
    }

    private func deliver(_ topic: String, _ job: Job, _ fixture: HandlerFixture) throws {
        fixture.host.deliver(topic, from: "ClientService", try FleetJSON.encode(job.event))
    }

    @Test func countsAreToldAsTheyChangeAndTheEndEndsTheStream() async throws {
        let fixture = try HandlerFixture(.poll)
        let job = Job.sample("poll", of: 3)
        let number = try await watch(fixture, job)
        #expect(fixture.host.answer(number)["Content-Type"] == "text/event-stream")
        #expect(fixture.host.answer(number).text.hasPrefix("event: counts\ndata: {\"counts\":{"))
        try deliver("job.updated", .sample("poll", job.id, succeeded: 1, of: 3), fixture)
        try deliver("job.updated", .sample("poll", succeeded: 2, of: 3), fixture)
        try await fixture.until("the second event comes", firing: true) {
            fixture.host.answer(number).text.contains("\"succeeded\":1")
        }
        try deliver("job.finished", .sample("poll", job.id, succeeded: 3, of: 3), fixture)
        try await fixture.until("the stream ends") { fixture.host.answer(number).isEnded }
        let text = fixture.host.answer(number).text
        #expect(text.hasSuffix("\n\n") && text.contains("\n\nevent: end\ndata: ") && text.contains("\"succeeded\":3"))
        // Another job's counts are not its own.
        #expect(!text.contains("\"succeeded\":2"))
        #expect(text.components(separatedBy: "event: ").count == 4)
        // Nobody watches any more: no timer is left.
        try await fixture.until("the timer goes") { fixture.host.timerCount == 0 }
        try await fixture.end()
    }

    @Test func slowReaderMissesStepsAndGetsTheLast() async throws {
        let fixture = try HandlerFixture(.poll)
        let job = Job.sample("poll", of: 50)
        let number = try await watch(fixture, job, room: 0)
        for succeeded in 1..<50 {
            try deliver("job.updated", .sample("poll", job.id, succeeded: succeeded, of: 50), fixture)
        }
        try deliver("job.finished", .sample("poll", job.id, succeeded: 50, of: 50), fixture)
        fixture.host.makeRoom(number, for: 1 << 20)
        try await fixture.until("the stream ends") { fixture.host.answer(number).isEnded }
        let events = fixture.host.answer(number).text.components(separatedBy: "event: ").dropFirst()
        #expect(events.count <= 2 && events.last?.hasPrefix("end\n") == true)
        #expect(events.last?.contains("\"succeeded\":50") == true)
        try await fixture.end()
    }

    @Test func streamEndsAtOnceWhenTheComponentHandsOver() async throws {
        let fixture = try HandlerFixture(.poll)
        let job = Job.sample("poll")
        let numbers = [
            try await watch(fixture, job), try await watch(fixture, job), try await watch(fixture, job, room: 0),
        ]
        try fixture.host.quiesce()
        // Without a turn of anything else.
        for number in numbers { #expect(fixture.host.answer(number).isEnded) }
        let late = try await fixture.send("GET", "/v1/polls/\(job.id)/events", as: .viewer)
        #expect(late.status == 503 && late["Retry-After"] == "0")
        #expect(try fixture.problem(late).code == .handingOver)
        try fixture.host.activate()
        _ = try await watch(fixture, job)
        try await fixture.end()
    }

    @Test func finishedJobIsToldOnce() async throws {
        let fixture = try HandlerFixture(.sweep)
        let number = try await watch(fixture, .sample("sweep", succeeded: 2, of: 2))
        try await fixture.until("the stream ends") { fixture.host.answer(number).isEnded }
        #expect(fixture.host.answer(number).text.hasPrefix("event: end\n"))
        try await fixture.end()
    }

    @Test func watchersAreBounded() async throws {
        let fixture = try HandlerFixture(.poll)
        let job = Job.sample("poll")
        fixture.serve("fleet.jobs get", JobReport(job: job, rows: []))
        let numbers = (0..<EventStreams.limit).map { _ in
            fixture.begin("GET", "/v1/polls/\(job.id)/events", as: .viewer)
        }
        try await fixture.until("all have begun") { numbers.allSatisfy { fixture.host.answer($0).status == 200 } }
        let refused = try await fixture.send("GET", "/v1/polls/\(job.id)/events", as: .viewer)
        #expect(refused.status == 503)
        #expect(try fixture.problem(refused).code == .busy)
        fixture.host.abort(numbers[0])
        // Its place is free when its task has noticed.
        for _ in 0..<1000 {
            let number = fixture.begin("GET", "/v1/polls/\(job.id)/events", as: .viewer)
            try await fixture.until("there is an answer") { fixture.host.answer(number).status != 0 }
            if fixture.host.answer(number).status == 200 { return try await fixture.end() }
        }
        Issue.record("the place of one who left is not given again")
    }
}
