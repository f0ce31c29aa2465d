import Fleet
import Testing

@testable import ClientService

/// Jobs over a real store: what clients, administrators and time do to them.
@Suite("The ledger of jobs")
struct JobLedgerTests {
    private static let start = Timestamp(seconds: 1_800_000_000)

    private final class World: Sendable {
        let folder: TemporaryFolder
        let store: SQLiteStore
        let clients: [ClientID]

        init(clients count: Int = 3) async throws {
            folder = try TemporaryFolder()
            store = try SQLiteStore(path: folder.path + "/fleet.sqlite")
            let records = (0..<count).map {
                ClientRecord(
                    id: .make(), name: "c\($0)", group: "g", enrolledAt: start, serial: "", certificateEndsAt: start)
            }
            clients = records.map(\.id)
            try await store.write { store in for record in records { try store.insert(record) } }
        }

        func order(_ kind: String = "poll", notBefore: Timestamp? = nil) async throws -> JobID {
            var job = Job(
                id: .make(at: start), kind: kind, selector: "all", parameters: .null, notBefore: notBefore,
                deadline: start + .seconds(600), maxRuntime: 60, createdBy: "a", createdAt: start)
            job.counts.queued = clients.count
            let (made, clients) = (job, clients)
            try await store.write { store in
                try store.insert(made)
                for client in clients {
                    try store.insert(
                        AssignmentRecord(job: made.id, client: client, standing: AssignmentStanding(since: start)))
                }
            }
            return job.id
        }

        @discardableResult
        func ledger<Value: Sendable>(
            after seconds: Int = 0, _ body: @escaping @Sendable (inout JobLedger) throws -> Value
        ) async throws -> Value {
            try await store.write { store in
                var ledger = JobLedger(store, at: start + .seconds(seconds), lease: .seconds(120))
                return try body(&ledger)
            }
        }

        func lease(_ client: Int, held: [JobID] = [], after seconds: Int = 0) async throws -> LeaseAnswer {
            let id = clients[client]
            return try await ledger(after: seconds) { try $0.lease(id, held: held, offering: 16) }
        }

        func finish(_ client: Int, _ job: JobID, _ end: Outcome.End, after seconds: Int = 0) async throws
            -> AssignmentEffect
        {
            let id = clients[client]
            return try await ledger(after: seconds) { ledger in
                guard let record = try ledger.store.assignment(of: job, id) else {
                    throw StoreError(kind: .other, message: "none")
                }
                return try ledger.step(record, .finish(end, reason: ""), result: .string("r")).effect
            }
        }

        func state(_ client: Int, _ job: JobID) async throws -> AssignmentState? {
            let id = clients[client]
            return try await store.read { try $0.assignment(of: job, id) }?.standing.state
        }

        func job(_ id: JobID) async throws -> Job? { try await store.read { try $0.job(id) } }
    }

    @Test func anOfferThatGotLostIsMadeAgain() async throws {
        let world = try await World()
        let job = try await world.order()
        #expect(try await world.lease(0).offers.map(\.attempt) == [1])
        #expect(try await world.lease(0).offers.map(\.attempt) == [2], "it did not arrive: the client does not hold it")
        #expect(try await world.lease(0, held: [job]).offers.isEmpty, "now it does")
        #expect(try await world.job(job)?.counts.offered == 1)
    }

    @Test func aResultThatIsReportedTwiceCountsOnce() async throws {
        let world = try await World(clients: 1)
        let job = try await world.order()
        _ = try await world.lease(0)
        #expect(try await world.finish(0, job, .succeeded) == .moved)
        #expect(try await world.finish(0, job, .succeeded) == .none)
        let ended = try #require(try await world.job(job))
        #expect(ended.counts.succeeded == 1 && ended.counts.total == 1 && ended.finishedAt == Self.start)
        #expect(try await world.lease(0, held: [job]).forget == [job])
    }

    @Test func aClientThatSleepsGetsItWhenItReturnsAndExpiresOtherwise() async throws {
        let world = try await World(clients: 2)
        let job = try await world.order()
        _ = try await world.lease(0)
        _ = try await world.ledger(after: 119) { try $0.expire(limit: 10) }
        #expect(try await world.state(0, job) == .offered)
        _ = try await world.ledger(after: 121) { try $0.expire(limit: 10) }
        #expect(try await world.state(0, job) == .queued)
        #expect(try await world.lease(0, after: 300).offers.map(\.attempt) == [2])
        while try await world.ledger(after: 601, { try $0.expire(limit: 1) }) {}
        #expect(try await world.state(0, job) == .expired)
        #expect(try await world.state(1, job) == .expired)
        #expect(try await world.job(job)?.finishedAt == Self.start + .seconds(601))
        #expect(try await world.lease(1, after: 602).offers.isEmpty)
        // It had been done, and could not be told: nothing is lost, and nothing is changed.
        #expect(try await world.finish(0, job, .succeeded, after: 700) == .late)
        let id = world.clients[0]
        let late = try #require(try await world.store.read { try $0.assignment(of: job, id) })
        #expect(late.standing.state == .expired && late.isLate && late.result == .string("r"))
        #expect(try await world.job(job)?.counts.expired == 2)
    }

    @Test func cancellingWinsOverWaitingWorkAndAsksTheRest() async throws {
        let world = try await World(clients: 3)
        let job = try await world.order()
        _ = try await world.lease(0)
        _ = try await world.lease(1)
        let called = try await world.ledger { ledger -> Set<ClientID> in
            _ = try ledger.cancel(job, reason: "by anna")
            return ledger.called
        }
        #expect(called == Set(world.clients[0...1]), "those that have it are told")
        #expect(try await world.state(2, job) == .cancelled)
        #expect(try await world.lease(0, held: [job]).cancels == [job])
        #expect(try await world.finish(0, job, .succeeded) == .moved, "it was done before it heard")
        #expect(try await world.state(0, job) == .succeeded)
        // The other never says a word.
        _ = try await world.ledger(after: 500) { try $0.expire(limit: 10) }
        #expect(try await world.state(1, job) == .cancelled)
        let ended = try #require(try await world.job(job))
        #expect(ended.finishedAt != nil && ended.counts.cancelled == 2 && ended.counts.succeeded == 1)
        let again = try await world.ledger(after: 501) { try $0.cancel(job, reason: "again") }
        #expect(again == ended, "cancelling is idempotent")
    }

    /// It was cancelled behind the client's back; what it had found until it heard of that is not lost.
    @Test func whatACancelledClientHadFoundIsKept() async throws {
        let world = try await World(clients: 1)
        let job = try await world.order("sweep")
        _ = try await world.lease(0)
        _ = try await world.ledger(after: 121) { try $0.expire(limit: 10) }
        try await world.ledger(after: 122) { _ = try $0.cancel(job, reason: "by anna") }
        #expect(try await world.state(0, job) == .cancelled)
        _ = try await world.finish(0, job, .cancelled, after: 130)
        let id = world.clients[0]
        let row = try #require(try await world.store.read { try $0.assignment(of: job, id) })
        #expect(row.standing.state == .cancelled && row.isLate && row.result == .string("r"))
        #expect(try await world.job(job)?.counts.cancelled == 1)
    }

    @Test func everythingOfARemovedClientEnds() async throws {
        let world = try await World(clients: 2)
        let jobs = [try await world.order(), try await world.order("sweep")]
        _ = try await world.lease(0)
        let id = world.clients[0]
        try await world.ledger { try $0.remove(id, reason: "revoked") }
        for job in jobs {
            #expect(try await world.state(0, job) == .failed)
            #expect(try await world.state(1, job) == .queued)
        }
    }

    @Test func whatIsNotYetToBeDoneIsNotOffered() async throws {
        let world = try await World(clients: 1)
        _ = try await world.order(notBefore: Self.start + .seconds(60))
        #expect(try await world.lease(0, after: 59).offers.isEmpty)
        #expect(try await world.lease(0, after: 60).offers.count == 1)
    }

    @Test func aJobThatNobodyKnowsIsForgotten() async throws {
        let world = try await World(clients: 1)
        let stray = JobID.make()
        #expect(try await world.lease(0, held: [stray]).forget == [stray])
    }

    @Test func anotherClientsJobIsNotTouched() async throws {
        let world = try await World(clients: 2)
        let job = try await world.order()
        _ = try await world.lease(0)
        _ = try await world.lease(1, held: [job])
        #expect(try await world.state(0, job) == .offered)
    }

    /// Random words of clients, administrators and time: counts are the states, and the deadline ends all.
    @Test(arguments: 0..<8)
    func countsAreWhatTheStatesAre(_ round: Int) async throws {
        let world = try await World(clients: 4)
        let jobs = [try await world.order(), try await world.order("sweep")]
        for step in 0..<60 {
            let client = Int.random(in: 0..<4)
            let job = jobs[Int.random(in: 0..<2)]
            switch Int.random(in: 0..<6) {
            case 0, 1: _ = try await world.lease(client, held: Bool.random() ? [job] : [], after: step)
            case 2:
                _ = try await world.finish(
                    client, job, [.succeeded, .failed, .cancelled][Int.random(in: 0..<3)], after: step)
            case 3: _ = try await world.ledger(after: step * 5) { try $0.expire(limit: 3) }
            case 4 where step > 40: _ = try await world.ledger(after: step) { try $0.cancel(job, reason: "r") }
            default:
                let id = world.clients[client]
                try await world.ledger(after: step) { ledger in
                    guard let record = try ledger.store.assignment(of: job, id) else { return }
                    try ledger.step(record, .report(.running, attempt: record.standing.attempt, sequence: step))
                }
            }
            for job in jobs { try await agree(world, job) }
        }
        while try await world.ledger(after: 9999, { try $0.expire(limit: 3) }) {}
        for job in jobs {
            try await agree(world, job)
            #expect(try await world.job(job)?.finishedAt != nil)
        }
    }

    private func agree(_ world: World, _ id: JobID) async throws {
        let (job, rows) = try await world.store.read { store in
            (try store.job(id), try store.assignments(of: id, after: nil, limit: 100))
        }
        var counts = AssignmentCounts()
        for row in rows { counts[row.standing.state] += 1 }
        #expect(job?.counts == counts)
        #expect((job?.finishedAt != nil) == counts.isFinished)
    }
}
