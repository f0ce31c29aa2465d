import Fleet
import Foundation
import Testing

@testable import ClientService

@Suite("The client's journal of jobs")
struct JobJournalTests {
    private static func offer(_ id: JobID = .make(), attempt: Int = 1) -> Offer {
        Offer(
            job: id, kind: "poll", parameters: .object([:]), attempt: attempt,
            deadline: Timestamp(seconds: 1_900_000_000), maxRuntime: 10)
    }

    private static func journal(_ folder: TemporaryFolder) throws -> JobJournal {
        let journal = try JobJournal(folder: folder.path + "/jobs")
        #expect(journal.load().isEmpty)
        return journal
    }

    @Test func aJobIsCarriedOutOnceThroughEveryRestart() throws {
        let folder = try TemporaryFolder()
        let offer = Self.offer()
        #expect(try Self.journal(folder).accept(offer) == .new)
        #expect(try Self.journal(folder).accept(Self.offer(offer.job, attempt: 2)) == .known)
        #expect(try Self.journal(folder).start(offer.job) == 1)
        #expect(try Self.journal(folder).start(offer.job) == 2)
        let first = Outcome(.succeeded, result: .string("first"))
        #expect(try Self.journal(folder).finish(offer.job, first) == first)
        #expect(
            try Self.journal(folder).finish(offer.job, Outcome(.failed, reason: "second")) == first, "the first stays")
        let journal = try Self.journal(folder)
        #expect(journal.open.map(\.outcome) == [first])
        #expect(journal.entry(offer.job)?.offer.attempt == 2)
        try journal.settle(offer.job)
        #expect(try Self.journal(folder).open.isEmpty)
        #expect(
            try Self.journal(folder).accept(Self.offer(offer.job, attempt: 3)) == .done,
            "it is reported again, not done again")
        #expect(try Self.journal(folder).open.first?.outcome?.end == .succeeded)
    }

    @Test func aFileThatCannotBeReadIsPutAsideAndNamed() throws {
        let folder = try TemporaryFolder()
        let offer = Self.offer()
        _ = try Self.journal(folder).accept(offer)
        let jobs = folder.path + "/jobs"
        try "{".write(toFile: "\(jobs)/\(JobID.make()).json", atomically: false, encoding: .utf8)
        try "x".write(toFile: "\(jobs)/notes.json", atomically: false, encoding: .utf8)
        try "x".write(toFile: "\(jobs)/\(JobID.make()).json.1.2.new", atomically: false, encoding: .utf8)
        let journal = try JobJournal(folder: jobs)
        #expect(journal.load().count == 2)
        #expect(journal.open.map(\.offer.job) == [offer.job])
        let names = try FileManager.default.contentsOfDirectory(atPath: jobs)
        #expect(names.count == 3 && names.count { $0.hasSuffix(".damaged") } == 2)
        #expect(try JobJournal(folder: jobs).load().isEmpty, "once is enough")
    }

    @Test func settledJobsAreForgottenTheOldestFirst() throws {
        let folder = try TemporaryFolder()
        let journal = try Self.journal(folder)
        let ids = (0..<JobJournal.settledLimit + 10).map {
            JobID.make(at: Timestamp(seconds: 1_800_000_000 + Int64($0)))
        }
        for id in ids {
            _ = try journal.accept(Self.offer(id))
            _ = try journal.finish(id, Outcome(.succeeded, result: .string("x")))
            try journal.settle(id)
        }
        #expect(journal.entry(ids[9]) == nil && journal.entry(ids[10]) != nil)
        #expect(journal.entry(ids[10])?.outcome?.result == nil, "what the server has is not kept")
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: folder.path + "/jobs").count == JobJournal.settledLimit)
    }

    /// An offer that is repeated while the work ends must not write its older entry over the outcome.
    @Test func changesOfOneJobThatComeTogetherAllStay() async throws {
        let folder = try TemporaryFolder()
        let journal = try Self.journal(folder)
        for _ in 0..<20 {
            let id = JobID.make()
            _ = try journal.accept(Self.offer(id))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for attempt in 2..<6 { group.addTask { _ = try journal.accept(Self.offer(id, attempt: attempt)) } }
                group.addTask { _ = try journal.start(id) }
                group.addTask { _ = try journal.finish(id, Outcome(.succeeded)) }
                try await group.waitForAll()
            }
            for entry in [journal.entry(id), try Self.journal(folder).entry(id)] {
                #expect(entry?.starts == 1 && entry?.outcome?.end == .succeeded && entry?.offer.attempt == 5)
            }
        }
    }

    @Test func aClosedOneIsOpenedAgainWhereTheNewerGenerationFailed() throws {
        let folder = try TemporaryFolder()
        let journal = try Self.journal(folder)
        journal.close()
        // What the newer one wrote before it failed.
        let offer = Self.offer()
        #expect(try Self.journal(folder).accept(offer) == .new)
        #expect(journal.load().isEmpty)
        #expect(try journal.accept(offer) == .known)
        #expect(try journal.start(offer.job) == 1)
    }

    @Test func nothingIsWrittenAfterTheHandOver() throws {
        let folder = try TemporaryFolder()
        let journal = try Self.journal(folder)
        journal.close()
        #expect(throws: JobJournal.Closed.self) { try journal.accept(Self.offer()) }
    }

    @Test func whatCannotBeWrittenWasNotAccepted() throws {
        let folder = try TemporaryFolder()
        let journal = try Self.journal(folder)
        try FileManager.default.removeItem(atPath: folder.path + "/jobs")
        #expect(throws: (any Error).self) { try journal.accept(Self.offer()) }
        #expect(journal.open.isEmpty)
    }
}

@Suite("The client's patience")
struct PatienceTests {
    @Test func theWaitGrowsToAMinuteAndIsSpread() {
        var generator = SystemRandomNumberGenerator()
        var longest: [Int: Duration] = [:]
        for _ in 0..<500 {
            var backoff = Backoff()
            for failure in 0..<12 {
                let wait = backoff.next(using: &generator)
                #expect(wait <= min(.seconds(60), .seconds(1 << failure)))
                longest[failure] = max(longest[failure] ?? .zero, wait)
            }
        }
        #expect((longest[0] ?? .zero) > .milliseconds(900) && (longest[11] ?? .zero) > .seconds(55))
    }

    @Test func theServersWishIsObeyed() {
        var generator = SystemRandomNumberGenerator()
        var backoff = Backoff()
        let soon = (0..<Backoff.atOnceLimit).map { _ in backoff.next(retryAfter: .zero, using: &generator) }
        #expect(soon[0] == .zero && soon.allSatisfy { $0 <= .milliseconds(200) }, "at once means at once")
        let later = (0..<50).map { _ in backoff.next(retryAfter: .zero, using: &generator) }
        #expect(later.contains { $0 > .seconds(1) }, "but not for ever")
        backoff.reset()
        #expect(backoff.next(retryAfter: .seconds(120), using: &generator) >= .seconds(120))
        #expect(backoff.next(retryAfter: .seconds(1_000_000), using: &generator) <= .seconds(3600))
    }

    @Test(.timeLimit(.minutes(1)))
    func aBellEndsThePause() async {
        let bell = Bell()
        async let waited = bell.wait(.seconds(3600))
        bell.ring()
        #expect(await waited)
        bell.ring()
        bell.ring()
        #expect(await bell.wait(.seconds(3600)), "a ring before the wait counts")
        #expect(await !bell.wait(.milliseconds(1)), "and counts once")
        #expect(await !bell.wait(.zero))
        let task = Task { await bell.wait(.seconds(3600)) }
        task.cancel()
        #expect(await !task.value)
    }
}
