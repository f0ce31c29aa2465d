internal import Fleet

/// What happens to jobs, within one transaction of the store: assignments are stepped by the machine alone, and a job's
/// counts follow.
struct JobLedger {
    let store: any FleetTransaction
    let now: Timestamp
    let lease: Duration
    /// The jobs whose counts changed, as they are now.
    private(set) var touched: [JobID: Job] = [:]
    /// The clients that have to be told of something.
    private(set) var called: Set<ClientID> = []

    init(_ store: any FleetTransaction, at now: Timestamp, lease: Duration) {
        self.store = store
        self.now = now
        self.lease = lease
    }

    /// Steps one assignment, and keeps `progress` or `result` with it.
    @discardableResult
    mutating func step(
        _ record: AssignmentRecord, _ event: AssignmentEvent, progress: Progress? = nil, result: JSONValue? = nil
    ) throws -> (record: AssignmentRecord, effect: AssignmentEffect) {
        let (standing, effect) = AssignmentMachine.step(record.standing, event, at: now, lease: lease)
        var next = record
        next.standing = standing
        if let progress, !standing.state.isTerminal { next.progress = progress }
        if effect == .moved, standing.state.isTerminal {
            next.result = result
        } else if record.result == nil, !record.isLate, isLate(effect, event, result) {
            next.result = result
            next.isLate = true
        }
        if next != record { try store.update(next) }
        if effect == .moved {
            try count(record.job, from: record.standing.state, to: standing.state)
        }
        if effect == .cancelAsked || effect == .moved && standing.state == .queued { called.insert(record.client) }
        return (next, effect)
    }

    /// What was found until the end is worth keeping, though the server had given the assignment the same end before.
    private func isLate(_ effect: AssignmentEffect, _ event: AssignmentEvent, _ result: JSONValue?) -> Bool {
        if effect == .late { return true }
        guard case .finish(.cancelled, _) = event else { return false }
        return effect == .none && result != nil
    }

    private mutating func count(_ id: JobID, from: AssignmentState, to: AssignmentState) throws {
        guard var job = try touched[id] ?? store.job(id) else { return }
        job.counts[from] -= 1
        job.counts[to] += 1
        if job.counts.isFinished, job.finishedAt == nil { job.finishedAt = now }
        try store.update(job)
        touched[id] = job
    }

    // MARK: What clients say

    /// What a client that holds `held` gets to do.
    mutating func lease(_ client: ClientID, held: [JobID], offering limit: Int) throws -> LeaseAnswer {
        var answer = LeaseAnswer(time: now)
        let held = Set(held)
        let open = try store.openAssignments(of: client)
        for record in open {
            if held.contains(record.job) {
                let (next, _) = try step(record, .held)
                if next.standing.isCancelRequested { answer.cancels.append(record.job) }
            } else {
                try offer(record, &answer, limit)
            }
        }
        let known = Set(open.map(\.job))
        answer.forget = held.subtracting(known).sorted()
        return answer
    }

    /// What the client does not hold is offered, if it was never there or got lost.
    private mutating func offer(_ record: AssignmentRecord, _ answer: inout LeaseAnswer, _ limit: Int) throws {
        let (record, _) = try step(record, .lost)
        guard record.standing.state == .queued, answer.offers.count < limit,
            let job = try touched[record.job] ?? store.job(record.job),
            job.notBefore.map({ $0 <= now }) ?? true, job.deadline > now
        else { return }
        let (offered, _) = try step(record, .offer)
        answer.offers.append(
            Offer(
                job: job.id, kind: job.kind, parameters: job.parameters, attempt: offered.standing.attempt,
                deadline: job.deadline, maxRuntime: job.maxRuntime))
    }

    // MARK: What administrators and time do

    mutating func cancel(_ id: JobID, reason: String) throws -> Job? {
        guard var job = try store.job(id) else { return nil }
        guard job.finishedAt == nil else { return job }
        if job.cancelledAt == nil {
            job.cancelledAt = now
            try store.update(job)
        }
        touched[id] = job
        var after: ClientID?
        while case let page = try store.openAssignments(of: id, after: after, limit: 500), let last = page.last {
            for record in page { try step(record, .cancel(reason: reason)) }
            after = last.client
        }
        job = touched[id] ?? job
        if job.counts.isFinished, job.finishedAt == nil { job.finishedAt = now }
        try store.update(job)
        touched[id] = job
        return job
    }

    /// Ends what is overdue. True if there may be more.
    mutating func expire(limit: Int) throws -> Bool {
        let leases = try store.expiredLeases(at: now, limit: limit)
        for record in leases { try step(record, .leaseExpired) }
        var ended = 0
        let overdue = try store.overdueJobs(at: now, limit: 16)
        for job in overdue {
            let page = try store.openAssignments(of: job, after: nil, limit: max(1, limit - ended))
            for record in page { try step(record, .deadline) }
            ended += page.count
            guard ended < limit else { break }
        }
        return leases.count >= limit || ended >= limit
    }

    /// Ends everything of a client that is no more in the fleet.
    mutating func remove(_ client: ClientID, reason: String) throws {
        for record in try store.openAssignments(of: client) { try step(record, .removed(reason: reason)) }
        called.insert(client)
    }
}
