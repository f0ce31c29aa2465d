import Fleet
import Foundation
import Testing

@testable import ClientService

/// What every store of the fleet does: add an implementation to `all`, and it is held to the same.
struct StoreMaker: Sendable, CustomTestStringConvertible {
    var testDescription: String
    /// A store in a folder; opened there again, it has what it had.
    var open: @Sendable (String) throws -> any FleetStore

    static let all = [
        StoreMaker(testDescription: "SQLite") { try SQLiteStore(path: $0 + "/fleet.sqlite") }
    ]
}

@Suite("Every store of the fleet")
struct StoreConformance {
    private static let start = Timestamp(seconds: 1_800_000_000)

    private static func client(_ name: String, group: String = "office") -> ClientRecord {
        ClientRecord(
            id: .make(), name: name, group: group, enrolledAt: start, serial: "AB\(name)",
            certificateEndsAt: start + .seconds(86_400))
    }

    private static func job(_ kind: String = "poll", at time: Timestamp = start) -> Job {
        Job(
            id: .make(at: time), kind: kind, selector: "all", parameters: .object(["paths": .array([.string("/ü")])]),
            notBefore: nil, deadline: time + .seconds(60), maxRuntime: 30, createdBy: "muster:admin/a?role=admin",
            createdAt: time)
    }

    private struct Broken: Error, Equatable {}

    @Test(arguments: StoreMaker.all)
    func keepsWhatWasWrittenThroughACloseAndAnOpen(_ maker: StoreMaker) async throws {
        let folder = try TemporaryFolder()
        var client = Self.client("ws-1")
        var job = Self.job()
        let token = TokenRecord(
            row: TokenRow(
                id: .make(), group: "lab", usesLeft: 3, createdBy: "x", createdAt: Self.start,
                expiresAt: Self.start + .seconds(5)),
            hash: [1, 2, 3])
        client.status = ClientStatus(
            system: .init(host: "h", os: "Debian", family: "linux", kernel: "6", architecture: "x86_64", bootedAt: nil),
            version: "0.1.0")
        client.doorbells = ["poll": Doorbell(port: 50002), "sweep": Doorbell(address: "::1", port: 1)]
        (client.seenAt, client.clockSkew, client.nextSerial) = (Self.start, -5, "CD")
        (client.address, client.clonedFrom, client.sharedSerial) = ("192.0.2.7", .make(), "EF")
        job.counts.queued = 1
        var assignment = AssignmentRecord(
            job: job.id, client: client.id,
            standing: AssignmentStanding(
                state: .running, attempt: 2, sequence: 9, leaseUntil: Self.start, isCancelRequested: true,
                since: Self.start, reason: "why"))
        assignment.progress = Progress(files: 1, bytes: 2, path: "/x", detections: 3, fraction: 0.5)
        assignment.result = .object(["a": .integer(1)])
        assignment.isLate = true
        var coverage = SweepCoverage()
        (coverage.seen, coverage.scanned, coverage.bytes) = (3, 3, 1 << 40)
        let run = SweepRun(
            job: job.id, client: client.id, finishedAt: Self.start, isComplete: true, definitions: "41",
            coverage: coverage)
        let (madeClient, madeJob, madeAssignment) = (client, job, assignment)
        do {
            let store = try maker.open(folder.path)
            try await store.write { store in
                try store.insert(madeClient)
                try store.insert(madeJob)
                try store.insert(madeAssignment)
                try store.insert(token)
                try store.insert(run)
                _ = try store.revoke("muster:admin/x", by: "y", at: Self.start)
            }
            try store.close()
        }
        let store = try maker.open(folder.path)
        try await store.read { (store: any FleetReading) throws in
            #expect(try store.client(madeClient.id) == madeClient)
            #expect(try store.job(madeJob.id) == madeJob)
            #expect(try store.assignment(of: madeJob.id, madeClient.id) == madeAssignment)
            #expect(try store.token(hash: [1, 2, 3]) == token)
            #expect(try store.token(hash: [1, 2]) == nil)
            #expect(try store.revocations() == ["muster:admin/x"])
            #expect(try store.groups() == [GroupRow(name: "lab", clients: 0), GroupRow(name: "office", clients: 1)])
            #expect(try store.sweepRuns(of: madeClient.id, limit: 10) == [run])
        }
        try store.close()
    }

    /// Heartbeats are written later than they come: a certificate that was issued meanwhile stays.
    @Test(arguments: StoreMaker.all)
    func aHeartbeatThatIsWrittenLateTakesNoCertificateAway(_ maker: StoreMaker) async throws {
        let folder = try TemporaryFolder()
        let store = try maker.open(folder.path)
        var client = Self.client("ws-1")
        (client.nextSerial, client.sharedSerial) = ("NEXT", "SHARED")
        client.standing = .revoked
        var heard = HeardClient(
            name: "other", seenAt: Self.start, clockSkew: 7, version: "2", definitions: "40",
            doorbells: ["poll": Doorbell(port: 1)], address: "::1", serial: client.serial)
        let made = client
        let late = heard
        try await store.write { store in
            try store.insert(made)
            try store.update(made.id, heard: late)
        }
        client.take(heard)
        #expect(
            try await store.read { try $0.client(made.id) } == client, "serials, standing and status are as they were")
        heard.serial = "NEXT"
        heard.sharedSerial = "NEWER"
        let used = heard
        try await store.write { try $0.update(made.id, heard: used) }
        (client.serial, client.nextSerial, client.sharedSerial) = ("NEXT", nil, "NEWER")
        #expect(try await store.read { try $0.client(made.id) } == client)
        try await store.write { try $0.update(.make(), heard: used) }
        try store.close()
    }

    @Test(arguments: StoreMaker.all)
    func keepsNothingOfAWriteThatFails(_ maker: StoreMaker) async throws {
        let folder = try TemporaryFolder()
        let store = try maker.open(folder.path)
        let (good, bad) = (Self.client("good"), Self.client("bad"))
        try await store.write { try $0.insert(good) }
        await #expect(throws: Broken.self) {
            try await store.write { store in
                try store.insert(bad)
                throw Broken()
            }
        }
        await #expect(throws: StoreError.self, "an id is there once") { try await store.write { try $0.insert(good) } }
        #expect(try await store.read { try $0.clients(after: nil, limit: 10) }.map(\.name) == ["good"])
    }

    /// Many at once: those that fail take nothing else with them, and each is told its own end.
    @Test(arguments: StoreMaker.all)
    func writesThatComeTogetherSucceedAndFailAlone(_ maker: StoreMaker) async throws {
        let folder = try TemporaryFolder()
        let store = try maker.open(folder.path)
        let outcomes = await withTaskGroup(of: (Int, Bool).self) { group in
            for number in 0..<500 {
                group.addTask {
                    do {
                        try await store.write { store in
                            try store.insert(Self.client("c\(number)"))
                            if number % 7 == 0 { throw Broken() }
                        }
                        return (number, true)
                    } catch {
                        return (number, false)
                    }
                }
            }
            return await group.reduce(into: [Int: Bool]()) { $0[$1.0] = $1.1 }
        }
        #expect(outcomes.count == 500)
        #expect(outcomes.allSatisfy { $0.value == ($0.key % 7 != 0) })
        let names = Set(try await store.read { try $0.clients(after: nil, limit: 1000) }.map(\.name))
        #expect(names == Set((0..<500).filter { $0 % 7 != 0 }.map { "c\($0)" }))
        try store.close()
        await #expect(throws: StoreError.self) { try await store.read { try $0.revocations() } }
        await #expect(throws: StoreError.self) { try await store.write { _ in } }
        try store.close()
    }

    @Test(arguments: StoreMaker.all)
    func listsGoOnBehindTheLastRow(_ maker: StoreMaker) async throws {
        let folder = try TemporaryFolder()
        let store = try maker.open(folder.path)
        let clients = (0..<25).map { Self.client("c\($0)") }
        let jobs = (0..<25).map { number in
            Self.job(number % 2 == 0 ? "poll" : "sweep", at: Self.start + .seconds(number))
        }
        try await store.write { store in
            for client in clients { try store.insert(client) }
            for (number, var job) in jobs.enumerated() {
                if number < 5 { job.finishedAt = Self.start }
                try store.insert(job)
            }
            for client in clients {
                let state: AssignmentState = client == clients[0] ? .succeeded : .queued
                try store.insert(
                    AssignmentRecord(
                        job: jobs[9].id, client: client.id,
                        standing: AssignmentStanding(state: state, since: Self.start)))
            }
            try store.insert(
                (0..<25).map {
                    Detection(path: "/f\($0)", threat: "T", severity: .high, sha256: "00", size: Int64($0))
                },
                of: clients[3].id, job: jobs[1].id, foundAt: Self.start)
        }
        try await store.read { (store: any FleetReading) throws in
            var seen: [ClientID] = []
            while case let page = try store.clients(after: seen.last, limit: 10), !page.isEmpty {
                seen += page.map(\.id)
            }
            #expect(seen == clients.map(\.id).sorted())
            var found: [JobID] = []
            while case let page = try store.jobs(kind: nil, isFinished: nil, before: found.last, limit: 10),
                !page.isEmpty
            {
                found += page.map(\.id)
            }
            #expect(found == jobs.map(\.id).reversed(), "the newest first")
            #expect(try store.jobs(kind: "sweep", isFinished: nil, before: nil, limit: 100).count == 12)
            #expect(try store.jobs(kind: nil, isFinished: true, before: nil, limit: 100).count == 5)
            #expect(try store.jobs(kind: "poll", isFinished: false, before: nil, limit: 100).count == 10)
            var assigned: [ClientID] = []
            while case let page = try store.assignments(of: jobs[9].id, after: assigned.last, limit: 7), !page.isEmpty {
                assigned += page.map(\.client)
            }
            #expect(assigned == clients.map(\.id).sorted())
            #expect(try store.openAssignments(of: jobs[9].id, after: nil, limit: 100).count == 24)
            #expect(try store.openAssignments(of: clients[0].id).isEmpty)
            #expect(try store.openAssignments(of: clients[1].id).map(\.job) == [jobs[9].id])
            var paths: [String] = []
            var before: Int64?
            while case let page = try store.detections(since: nil, before: before, limit: 10), let last = page.last {
                paths += page.map(\.row.detection.path)
                before = last.number
            }
            #expect(paths == (0..<25).reversed().map { "/f\($0)" })
            #expect(try store.detections(since: Self.start + .seconds(1), before: nil, limit: 10).isEmpty)
        }
    }

    @Test(arguments: StoreMaker.all)
    func findsWhatIsDue(_ maker: StoreMaker) async throws {
        let folder = try TemporaryFolder()
        let store = try maker.open(folder.path)
        let client = Self.client("c")
        let jobs = (0..<4).map { Self.job(at: Self.start + .seconds($0)) }
        try await store.write { store in
            try store.insert(client)
            for (number, var job) in jobs.enumerated() {
                if number == 3 { job.finishedAt = Self.start }
                try store.insert(job)
                let lease = number < 2 ? Self.start + .seconds(number) : nil
                try store.insert(
                    AssignmentRecord(
                        job: job.id, client: client.id,
                        standing: AssignmentStanding(
                            state: lease == nil ? .queued : .offered, leaseUntil: lease, since: Self.start)))
            }
        }
        try await store.read { (store: any FleetReading) throws in
            #expect(try store.expiredLeases(at: Self.start, limit: 10).map(\.job) == [jobs[0].id])
            #expect(try store.expiredLeases(at: Self.start + .seconds(9), limit: 10).count == 2)
            #expect(try store.expiredLeases(at: Self.start + .seconds(9), limit: 1).count == 1)
            #expect(try store.overdueJobs(at: Self.start + .seconds(59), limit: 10).isEmpty)
            #expect(try store.overdueJobs(at: Self.start + .seconds(61), limit: 10) == [jobs[0].id, jobs[1].id])
            #expect(try store.overdueJobs(at: Self.start + .seconds(900), limit: 10).count == 3)
        }
    }

    @Test(arguments: StoreMaker.all)
    func whatIsOldIsDeletedAPartAtATimeAndNothingElse(_ maker: StoreMaker) async throws {
        let folder = try TemporaryFolder()
        let store = try maker.open(folder.path)
        let client = Self.client("c")
        let jobs = (0..<6).map { Self.job(at: Self.start + .seconds($0)) }
        try await store.write { store in
            try store.insert(client)
            for (number, var job) in jobs.enumerated() {
                // The fourth is still open, however old it is; the last two are recent.
                if number != 3 { job.finishedAt = Self.start + .seconds(number < 4 ? 10 : 1000) }
                try store.insert(job)
                try store.insert(
                    AssignmentRecord(job: job.id, client: client.id, standing: AssignmentStanding(since: Self.start)))
                try store.insert(
                    [Detection(path: "/f\(number)", threat: "T", severity: .low, sha256: "", size: 0)], of: client.id,
                    job: job.id, foundAt: Self.start + .seconds(number < 4 ? 10 : 1000))
            }
        }
        let time = Self.start + .seconds(500)
        var rounds = 0
        while try await store.write({ try $0.deleteFinished(before: time, limit: 2) }) { rounds += 1 }
        #expect(rounds == 1, "two, and then one")
        try await store.read { (store: any FleetReading) throws in
            let left = try store.jobs(kind: nil, isFinished: nil, before: nil, limit: 10).map(\.id)
            #expect(left == [jobs[5].id, jobs[4].id, jobs[3].id])
            #expect(try store.assignments(of: jobs[0].id, after: nil, limit: 10).isEmpty)
            #expect(try store.assignments(of: jobs[3].id, after: nil, limit: 10).count == 1)
            #expect(
                try store.detections(since: nil, before: nil, limit: 10).map(\.row.detection.path) == ["/f5", "/f4"])
        }
    }

    @Test(arguments: StoreMaker.all)
    func aBackupIsAStoreOfItsOwn(_ maker: StoreMaker) async throws {
        let (folder, other) = (try TemporaryFolder(), try TemporaryFolder())
        let store = try maker.open(folder.path)
        try await store.write { try $0.insert(Self.client("before")) }
        try await store.backUp(to: other.path + "/fleet.sqlite")
        try await store.write { try $0.insert(Self.client("after")) }
        let copy = try maker.open(other.path)
        #expect(try await copy.read { try $0.clients(after: nil, limit: 10) }.map(\.name) == ["before"])
        try copy.close()
    }
}

@Suite("The store in SQLite")
struct SQLiteStoreTests {
    @Test func commitsAreSyncedToDisk() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path + "/fleet.sqlite")
        #expect(try store.synchronousLevel() == 2, "FULL")
        try store.close()
        var status = stat()
        #expect(stat(folder.path + "/fleet.sqlite", &status) == 0 && status.st_mode & 0o777 == 0o600)
    }

    @Test(arguments: [
        "not a database at all, and long enough to be looked at as one: " + String(repeating: "x", count: 4096)
    ])
    func aFileThatIsNoStoreIsNamed(_ content: String) throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/fleet.sqlite"
        try content.write(toFile: path, atomically: false, encoding: .utf8)
        let error = #expect(throws: StoreError.self) { try SQLiteStore(path: path) }
        #expect(error?.kind == .damaged)
        #expect(error?.message.contains(path) == true && error?.message.contains("restore a backup") == true)
    }

    @Test func aStoreOfANewerVersionIsRefused() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/fleet.sqlite"
        let store = try SQLiteStore(path: path)
        try store.writeBlocking {
            try ($0 as? SQLiteTransaction)?.run("INSERT INTO grdb_migrations VALUES (?)", ["999"])
        }
        try store.close()
        #expect(throws: StoreError.self) { try SQLiteStore(path: path) }
        do { _ = try SQLiteStore(path: path) } catch { #expect(error.kind == .newer) }
    }

    /// The file may not grow: those that wait together are all told, and when there is room again all goes on.
    @Test func aFullDiskIsToldToAllWhoWaitAndLosesNothing() async throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path + "/fleet.sqlite")
        func limit(_ pages: Int) throws {
            try store.writeBlocking { try ($0 as? SQLiteTransaction)?.run("PRAGMA max_page_count = \(pages)", []) }
        }
        // The smallest there is: as large as the file is now.
        try limit(1)
        func fill(_ count: Int) async -> [Result<ClientID, any Error>] {
            await withTaskGroup(of: Result<ClientID, any Error>.self) { group in
                for _ in 0..<count {
                    group.addTask {
                        let record = ClientRecord(
                            id: .make(), name: String(repeating: "x", count: 3000), group: "g", enrolledAt: .now(),
                            serial: "",
                            certificateEndsAt: .now())
                        do {
                            try await store.write { try $0.insert(record) }
                            return .success(record.id)
                        } catch {
                            return .failure(error)
                        }
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
        }
        let kept = await fill(40)
        let failures = kept.compactMap { result -> StoreError? in
            if case .failure(let error) = result { error as? StoreError } else { nil }
        }
        #expect(!failures.isEmpty && failures.allSatisfy { $0.kind == .full && $0.message.contains("make room") })
        try limit(1_000_000)
        let more = await fill(40)
        #expect(more.allSatisfy { (try? $0.get()) != nil })
        let there = Set(try await store.read { try $0.clients(after: nil, limit: 1000) }.map(\.id))
        #expect(
            there == Set((kept + more).compactMap { try? $0.get() }), "what was answered is there, and nothing else")
    }

    @Test func aPathThatCannotBeWrittenIsNamed() {
        do {
            _ = try SQLiteStore(path: "/nowhere/at/all/fleet.sqlite")
            Issue.record("it was opened")
        } catch { #expect(error.message.contains("/nowhere/at/all/fleet.sqlite")) }
    }

    /// A shell with a transaction open: the write says so, and the next one succeeds.
    @Test(.timeLimit(.minutes(1)))
    func anotherProcessThatHoldsItIsWaitedForAndThenNamed() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/fleet.sqlite"
        let store = try SQLiteStore(path: path)
        let other = try SQLiteStore(path: path)
        let record = ClientRecord(
            id: .make(), name: "a", group: "g", enrolledAt: .now(), serial: "", certificateEndsAt: .now())
        let (isHeld, letGo) = (AsyncStream.makeStream(of: Void.self), DispatchSemaphore(value: 0))
        let holding = Task.detached {
            try other.writeBlocking { store in
                try store.insert(record)
                isHeld.continuation.finish()
                letGo.wait()
                throw CancellationError()
            }
        }
        for await _ in isHeld.stream {}
        do {
            try await store.write { try $0.insert(record) }
            Issue.record("it was written")
        } catch let error as StoreError {
            #expect(error.kind == .locked && error.message.contains("another process"))
        }
        letGo.signal()
        _ = await holding.result
        try await store.write { try $0.insert(record) }
    }
}
