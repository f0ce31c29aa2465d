import ControlProtocol

/// The supervisor without its system calls: what happens goes in, what is to be done comes out.
///
/// A pure value: no clock, no I/O, no randomness but the injected jitter. The driver hands each event to `handle` with
/// the time, carries out the actions in order, and calls again with `.tick` at `nextDeadline`. Always true between two
/// events:
///
/// - of each unit at most one worker is active, and at most one is current;
/// - a worker that was spawned stays in `workers` until `exited` (or `spawnFailed`) says that it is gone;
/// - no action names a worker that is gone;
/// - a listener of a committed unit is in every `retainListeners`;
/// - a unit without a worker has a time to try again, or waits for a reload, or is part of a reload.
///
/// The aspects: `+Workers` (one worker's steps), `+Supervision` (deaths, watchdog), `+Reload` (asking, reading,
/// preparing), `+Commit` (the hand-over and its reverse), `+Probation`, `+Shutdown`, `+Status`.
struct SupervisorMachine: Sendable {
    /// What the host as a whole is doing.
    enum Phase: Equatable, Sendable {
        case starting, running, stopping
        /// `exit` was asked for; nothing is done any more.
        case ended
    }

    var phase = Phase.starting
    var units: [Unit] = []
    var workers: [WorkerID: Worker] = [:]
    var transaction: Transaction?
    var pending: PendingReload?
    var probation: Probation?
    var pendingRollback: (probation: Probation, reason: String, unit: String)?
    /// What runs.
    var committed: Proposal?
    var generation: UInt64 = 0
    /// Restarts of each component since it was added, through all reloads.
    var restartTotals: [String: UInt64] = [:]
    var lastReceipt: ReloadReceipt?
    var limits = Limits()
    /// With which status to exit once everything has ended, and whether that was asked for twice.
    var exitStatus: Int32 = 0
    var isForced = false
    /// While stopping: the listeners are closed.
    var hasUnbound = false
    /// Consecutive reloads by signal that changed nothing, and when the last reload ended.
    var idleSignals = 0
    var lastReloadEnded: Instant = 0

    private(set) var now: Instant = 0
    private var actions: [Action] = []
    private var lastWorker: UInt64 = 0
    private var lastGeneration: UInt64 = 0
    private let isCheck: Bool
    let jitter: @Sendable (UInt64) -> UInt64

    /// - Parameters:
    ///   - isCheck: prepare everything as the start does, then end it and exit.
    ///   - jitter: a number from 0 to its argument, for pauses.
    init(isCheck: Bool = false, jitter: @escaping @Sendable (UInt64) -> UInt64) {
        self.isCheck = isCheck
        self.jitter = jitter
    }

    /// Takes an event in and answers with what is to be done.
    mutating func handle(_ event: Event, at now: Instant) -> [Action] {
        guard phase != .ended else { return [] }
        let expected = nextDeadline
        let former = self.now
        self.now = max(now, former)
        if let expected, self.now > expected.after(limits.slip) { forgiveSlip(since: former) }
        take(event)
        expireDeadlines()
        advance()
        defer { actions.removeAll() }
        return actions
    }

    private mutating func take(_ event: Event) {
        switch event {
        case .reloadRequested(let trigger, let client, let time): requestReload(trigger, client: client, at: time)
        case .clientLeft(let client): forget(client)
        case .configurationRead(let proposal): begin(proposal)
        case .configurationRefused(let diagnostics): refuseReading(diagnostics)
        case .resolved(let proposal, let resolutions): take(resolutions, of: proposal)
        case .spawned(let id, let pid): update(id) { $0.pid = pid }
        case .spawnFailed(let id, let reason): spawnFailed(id, reason: reason)
        case .report(let id, let report, let diagnostic): take(report, of: id, diagnostic: diagnostic)
        case .channelFailed(let id, let reason): channelFailed(id, reason: reason)
        case .channelEnded(let id): channelEnded(id)
        case .exited(let id, let status): exited(id, status)
        case .shutdownRequested: requestShutdown()
        case .tick: break
        }
    }

    /// Goes on as far as it can without another event. Each turn ends a phase or begins one, so it is bounded.
    private mutating func advance() {
        while advanceTransaction() || beginNextTransaction() {}
        advanceShutdown()
    }

    /// When `tick` is due; nil while nothing is timed.
    var nextDeadline: Instant? {
        var earliest = Instant.max
        for worker in workers.values { earliest = min(earliest, worker.deadline ?? .max) }
        for unit in units { earliest = min(earliest, unit.retryAt ?? .max) }
        if let probation { earliest = min(earliest, probation.until) }
        if let pending, transaction == nil { earliest = min(earliest, pending.notBefore) }
        return earliest == .max ? nil : earliest
    }

    private mutating func expireDeadlines() {
        for id in workers.keys.sorted() {
            if let deadline = workers[id]?.deadline, deadline <= now { expire(id) }
        }
        for index in units.indices {
            guard let retryAt = units[index].retryAt, retryAt <= now else { continue }
            units[index].retryAt = nil
            restart(units[index].plan.name)
        }
        if let probation, probation.until <= now { endProbation() }
    }

    /// The supervisor itself was held up (a stopped process, a stalled machine): what came due meanwhile may well have
    /// been done in time. For the deadlines of workers, that time has not passed.
    private mutating func forgiveSlip(since former: Instant) {
        let length = now.since(former)
        for id in workers.keys {
            update(id) { $0.deadline = $0.deadline?.after(length) }
        }
        log(.warning, "the supervisor was not run for \(length / 1_000_000) ms; deadlines of workers are put off")
    }

    // MARK: What the aspects share

    mutating func act(_ action: Action) { actions.append(action) }

    mutating func log(_ level: LogLevel, _ message: String, of component: String? = nil, generation: UInt64? = nil) {
        act(.log(level, component: component, generation: generation, message))
    }

    mutating func update(_ id: WorkerID, _ change: (inout Worker) -> Void) {
        guard var worker = workers[id] else { return }
        change(&worker)
        workers[id] = worker
    }

    mutating func update(_ unit: String, _ change: (inout Unit) -> Void) {
        guard let index = units.firstIndex(where: { $0.plan.name == unit }) else { return }
        change(&units[index])
    }

    func unit(_ name: String) -> Unit? { units.first { $0.plan.name == name } }

    mutating func makeWorkerID() -> WorkerID {
        lastWorker += 1
        return WorkerID(number: lastWorker)
    }

    mutating func makeGeneration() -> UInt64 {
        lastGeneration += 1
        return lastGeneration
    }

    var nextGeneration: UInt64 { lastGeneration + 1 }
    var startKind: Transaction.Kind { isCheck ? .check : .start }
}
