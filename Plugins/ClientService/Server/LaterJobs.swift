internal import Fleet
import Locks

/// Jobs that may not be handed out before a time: when it comes, those that wait are told.
final class LaterJobs: Sendable {
    private let jobs = Locked<[JobID: Timestamp]>([:])

    /// Those of a store that are still to come.
    func load(from store: any FleetReading, at now: Timestamp) throws {
        var before: JobID?
        while case let page = try store.jobs(kind: nil, isFinished: false, before: before, limit: 500),
            let last = page.last
        {
            for job in page { add(job, at: now) }
            before = last.id
        }
    }

    func add(_ job: Job, at now: Timestamp) {
        guard let time = job.notBefore, time > now else { return }
        jobs.withLock { $0[job.id] = time }
    }

    func take(dueAt now: Timestamp) -> [JobID] {
        jobs.withLock { jobs in
            let due = jobs.filter { $0.value <= now }.map(\.key)
            for job in due { jobs[job] = nil }
            return due.sorted()
        }
    }
}
