internal import Fleet
import PluginKit

extension FleetServer {
    /// How long a job may take where its order does not say, by kind; kinds of third parties are like sweeps.
    private static func standardDeadline(_ kind: String) -> Duration {
        kind == "poll" ? .seconds(86_400) : .seconds(7 * 86_400)
    }
    private static func standardRuntime(_ kind: String) -> Int { kind == "poll" ? 300 : 86_400 }
    private static let longestDeadline = Duration.seconds(90 * 86_400)

    /// Makes a job with an assignment for every client that is meant.
    func create(_ kind: String, _ order: JobOrder, by caller: String) async throws -> Job {
        guard FleetRole.isName(kind) else { throw Problem(400, .invalid, "A kind of job is a word.") }
        let selector = try selector(order.selector)
        let now = now
        let deadline = order.deadline ?? now + Self.standardDeadline(kind)
        guard deadline > now, deadline < now + Self.longestDeadline, order.notBefore.map({ $0 < deadline }) ?? true
        else {
            throw Problem(400, .invalid, "The deadline is behind not_before, in the future, and within 90 days.")
        }
        let maxRuntime = order.maxRuntime ?? Self.standardRuntime(kind)
        guard (1...30 * 86_400).contains(maxRuntime) else {
            throw Problem(400, .invalid, "max_runtime is a number of seconds from 1 to 2592000 (30 days).")
        }
        let parameters = order.parameters ?? .object([:])
        guard try FleetJSON.encode(parameters).count <= 64 << 10 else {
            throw Problem(413, .invalid, "The parameters of a job have at most 64 KiB.")
        }
        let chosen = registry.collect { id, entry in
            entry.standing == .enrolled && selector.matches(entry.subject(id)) ? id : nil
        }.sorted()
        guard !chosen.isEmpty else {
            throw Problem(
                404, .noClients,
                "No client is meant by \(order.selector.shortened); `muster clients --where` shows who is.")
        }
        var job = Job(
            id: .make(at: now), kind: kind, selector: order.selector, parameters: parameters,
            notBefore: order.notBefore, deadline: deadline, maxRuntime: maxRuntime, createdBy: caller, createdAt: now)
        job.counts.queued = chosen.count
        let made = job
        try await store().write { store in
            try store.insert(made)
            for client in chosen {
                try store.insert(
                    AssignmentRecord(job: made.id, client: client, standing: AssignmentStanding(since: now)))
            }
        }
        host.log.info(
            "A job was ordered.",
            ["job": "\(job.id)", "kind": kind, "clients": "\(chosen.count)", "selector": order.selector, "by": caller])
        events.created(job)
        later.add(job, at: now)
        dispatcher.add(chosen.filter { waiters.isWaiting($0) })
        return job
    }

    /// A job with some of its rows, no more of them than fit into `bytes`.
    func report(
        _ id: JobID, kind: String?, after: ClientID?, limit: Int, bytes: Int
    ) async throws -> JobReport {
        let (job, records) = try await store().read { store in
            (try store.job(id), try limit > 0 ? store.assignments(of: id, after: after, limit: limit) : [])
        }
        guard let job, kind == nil || job.kind == kind else { throw Self.noJob }
        var report = JobReport(job: job, rows: [])
        var used = bytes < .max ? try FleetJSON.encode(job).count + 256 : 0
        for record in records {
            let entry = registry.entry(record.client)
            let row = AssignmentRow(
                job: id, client: record.client, name: entry?.name ?? "\(record.client)", state: record.standing.state,
                attempt: record.standing.attempt, since: record.standing.since,
                isCancelRequested: record.standing.isCancelRequested, reason: record.standing.reason,
                progress: record.progress, result: record.result, isLate: record.isLate,
                isOnline: entry.map { $0.isOnline || waiters.isWaiting(record.client) } ?? false)
            if bytes < .max {
                used += try FleetJSON.encode(row).count + 1
                guard used <= bytes || report.rows.isEmpty else { break }
            }
            report.rows.append(row)
        }
        if limit > 0, report.rows.count < records.count || records.count == limit {
            report.next = report.rows.last?.client.description
        }
        return report
    }

    static let noJob = Problem(404, .notFound, "There is no such job; `muster jobs` lists those there are.")

    func cancel(_ id: JobID, kind: String?, by: String) async throws -> Job {
        let job = try await change(try store()) { ledger -> Job in
            guard let job = try ledger.store.job(id), kind == nil || job.kind == kind,
                let cancelled = try ledger.cancel(id, reason: "cancelled by \(by)")
            else { throw Self.noJob }
            return cancelled
        }
        host.log.info("A job was cancelled.", ["job": "\(id)", "by": by])
        return job
    }

    /// The clients of a job that wait for it, do not listen here, and have a doorbell.
    func doorbells(_ id: JobID, after: ClientID?, limit: Int) async throws -> Page<RingOrder> {
        let (job, records) = try await store().read { store in
            (try store.job(id), try store.openAssignments(of: id, after: after, limit: limit))
        }
        guard let job else { throw Self.noJob }
        let rings = records.compactMap { record -> RingOrder? in
            guard record.standing.state == .queued, !waiters.isWaiting(record.client),
                let entry = registry.entry(record.client), let bell = entry.doorbells[job.kind],
                let address = bell.address ?? entry.address
            else { return nil }
            return RingOrder(client: record.client, address: address, port: bell.port)
        }
        return Page(items: rings, next: records.count == limit ? records.last?.client.description : nil)
    }
}
