internal import Fleet
import Locks
import PluginKit

/// Tells the other components of the host what becomes of jobs: each job at most once in a quarter of a second, however
/// much happens to it.
final class JobEvents: Sendable {
    private let host: Host
    private let changed = Locked<[JobID: Job]>([:])

    init(host: Host) { self.host = host }

    func note(_ job: Job) {
        changed.withLock { changed in
            // Two transactions may be told of in the other order: the one that is further wins.
            if let former = changed[job.id], former.finishedAt != nil, job.finishedAt == nil { return }
            changed[job.id] = job
        }
    }

    func created(_ job: Job) { publish(FleetTopic.jobCreated, job) }

    func publish() {
        let jobs = changed.withLock { changed in
            defer { changed = [:] }
            return changed.values.sorted { $0.id < $1.id }
        }
        for job in jobs {
            publish(FleetTopic.jobUpdated, job)
            if job.finishedAt != nil { publish(FleetTopic.jobFinished, job) }
        }
    }

    private func publish(_ topic: String, _ job: Job) {
        guard let payload = try? FleetJSON.encode(JobEvent(job: job.id, kind: job.kind, counts: job.counts)) else {
            return
        }
        // Nobody may be listening; who missed it asks.
        try? host.publish(Topic(topic), payload)
    }

    /// The threats of one result, and no flood of them.
    func found(_ rows: [DetectionRow]) {
        for row in rows.prefix(100) {
            guard let payload = try? FleetJSON.encode(row) else { continue }
            try? host.publish(Topic(FleetTopic.threatFound), payload)
        }
    }
}
