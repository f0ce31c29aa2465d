import Fleet
import Testing

@testable import ClientService

@Suite("Jobs for later")
struct LaterJobsTests {
    private static func job(_ notBefore: Timestamp?) -> Job {
        Job(
            id: .make(), kind: "poll", selector: "all", parameters: .null, notBefore: notBefore,
            deadline: Timestamp(seconds: 9_000), maxRuntime: 1, createdBy: "", createdAt: Timestamp(seconds: 0))
    }

    @Test func aJobIsTakenWhenItsTimeHasComeAndOnce() {
        let later = LaterJobs()
        let job = Self.job(Timestamp(seconds: 100))
        later.add(job, at: Timestamp(seconds: 50))
        later.add(Self.job(nil), at: Timestamp(seconds: 50))
        later.add(Self.job(Timestamp(seconds: 40)), at: Timestamp(seconds: 50))
        #expect(later.take(dueAt: Timestamp(seconds: 99)) == [])
        #expect(later.take(dueAt: Timestamp(seconds: 100)) == [job.id])
        #expect(later.take(dueAt: Timestamp(seconds: 200)) == [])
    }

    @Test func aRestartKnowsThemFromTheStore() throws {
        let folder = try TemporaryFolder()
        let store = try SQLiteStore(path: folder.path + "/fleet.sqlite")
        let jobs = [Self.job(Timestamp(seconds: 100)), Self.job(nil)]
        try store.writeBlocking { store in for job in jobs { try store.insert(job) } }
        let later = LaterJobs()
        try store.readBlocking { try later.load(from: $0, at: Timestamp(seconds: 50)) }
        #expect(later.take(dueAt: Timestamp(seconds: 100)) == [jobs[0].id])
    }
}
