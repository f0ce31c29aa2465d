import ControlProtocol

/// Asking for a reload, reading, and preparing new workers beside those that run; the phases are at `Transaction`.
extension SupervisorMachine {
    // MARK: Asking

    mutating func requestReload(_ trigger: ReloadReceipt.Trigger, client: ClientID?, at time: Double) {
        let clients = client.map { [$0] } ?? []
        guard phase != .stopping else {
            act(.refuse(clients: clients, "the host is stopping"))
            return
        }
        guard trigger != .start else {
            guard phase == .starting, transaction == nil else { return }
            transaction = Transaction(
                kind: startKind, trigger: .start, clients: clients, startedAt: time, began: now,
                formerComponents: [])
            act(.readConfiguration)
            return
        }
        if var waiting = pending {
            waiting.clients += clients
            if trigger == .command {
                waiting.trigger = .command
                waiting.notBefore = min(waiting.notBefore, now)
            }
            pending = waiting
        } else {
            let notBefore = trigger == .signal ? nextSignalReload : now
            pending = PendingReload(trigger: trigger, clients: clients, startedAt: time, notBefore: notBefore)
        }
    }

    /// Signals that change nothing, one after the other, are answered less and less often.
    private var nextSignalReload: Instant {
        guard idleSignals > 0 else { return now }
        var pause = limits.firstSignalPause
        for _ in 1..<min(idleSignals, 16) where pause < limits.lastSignalPause { pause = pause.after(pause) }
        return lastReloadEnded.after(min(pause, limits.lastSignalPause))
    }

    mutating func forget(_ client: ClientID) {
        pending?.clients.removeAll { $0 == client }
        transaction?.clients.removeAll { $0 == client }
    }

    var runningComponents: Set<String> { Set(units.flatMap(\.plan.components)) }

    /// Whether there was something to begin.
    mutating func beginNextTransaction() -> Bool {
        guard transaction == nil, phase == .running else { return false }
        if beginRollback() { return true }
        guard let next = pending, next.notBefore <= now else { return false }
        pending = nil
        transaction = Transaction(
            kind: .reload, trigger: next.trigger, clients: next.clients, startedAt: next.startedAt, began: now,
            formerComponents: runningComponents)
        act(.readConfiguration)
        return true
    }

    // MARK: Reading

    mutating func refuseReading(_ diagnostics: [String]) {
        guard let kind = transaction?.kind, transaction?.phase == .reading else { return }
        finish(.refused, diagnostics: diagnostics)
        if kind == .start || kind == .check { beginStopping(status: 78) }
    }

    /// The configuration is read: finds out what it changes.
    mutating func begin(_ proposal: Proposal) {
        guard var next = transaction, next.phase == .reading else { return }
        next.proposal = proposal
        if committed == nil { limits = proposal.limits }
        for plan in proposal.units { plan.compare(with: unit(plan.name), in: &next) }
        let removed = units.contains { old in !proposal.units.contains { $0.name == old.plan.name } }
        for plan in proposal.units where next.plans[plan.name] == nil {
            if unit(plan.name)?.plan.credentials != plan.credentials { next.renewed.insert(plan.name) }
            let former = unit(plan.name)?.plan.busPlans ?? [:]
            next.narrowed.formUnion(plan.busPlans.filter { former[$0.key] != $0.value }.keys)
        }
        guard next.isStart || removed || !next.plans.isEmpty else {
            transaction = next
            adopt(proposal)
            finish(next.renewed.isEmpty && next.narrowed.isEmpty ? .unchanged : .committed)
            retainNeededProposals()
            return
        }
        for name in next.tolerated { next.heldRetries[name] = hold(name) }
        next.generation = makeGeneration()
        next.phase = .waitingForDrains
        transaction = next
    }

    /// Takes the time of its next try from a unit without a worker: a reload sees to it now.
    mutating func hold(_ name: String) -> Instant? {
        let time = unit(name)?.retryAt
        update(name) { $0.retryAt = nil }
        return time
    }

    // MARK: Going on

    /// Whether the reload got further.
    mutating func advanceTransaction() -> Bool {
        guard phase != .stopping, let transaction else { return false }
        switch transaction.phase {
        case .reading, .resolving: return false
        case .waitingForDrains: return startCandidates()
        case .loading: return resolveCandidates(transaction)
        case .preparing: return concludePreparing(transaction)
        case .quiescing: return concludeQuiescing(transaction)
        case .activating: return concludeActivating(transaction)
        case .retracting: return concludeRetracting(transaction)
        case .reactivating: return concludeReactivating(transaction)
        }
    }

    /// Spawns the new workers, unless one of the units has as many older ones as may drain at a time.
    private mutating func startCandidates() -> Bool {
        guard var next = transaction, let proposal = next.proposal else { return false }
        if let crowded = units.first(where: { isCrowded($0, next) }) {
            if !next.saidWaiting {
                log(.info, "the reload waits for an older worker to finish draining", of: crowded.plan.name)
                transaction?.saidWaiting = true
            }
            return false
        }
        for plan in proposal.units where next.plans[plan.name] != nil {
            next.candidates[plan.name] = spawn(
                plan, role: .candidate, generation: next.generation, proposal: proposal.id)
        }
        next.phase = .loading
        transaction = next
        return true
    }

    private func isCrowded(_ unit: Unit, _ next: Transaction) -> Bool {
        let isRemoved = next.proposal?.units.contains { $0.name == unit.plan.name } == false
        guard unit.worker != nil, isRemoved || next.plans[unit.plan.name] != nil else { return false }
        let draining = workers.values.filter {
            $0.unit == unit.plan.name && $0.role == .leaving && $0.drainDeadline != nil
        }
        return draining.count >= limits.drainingLimit
    }

    private mutating func resolveCandidates(_ current: Transaction) -> Bool {
        guard let proposal = current.proposal, haveAll(current, reached: .loaded) else { return false }
        let loaded = living(current)
        if case .rollback = current.kind {
            transaction?.phase = .preparing
            for name in loaded { prepareCandidate(name) }
        } else if loaded.isEmpty {
            transaction?.phase = .preparing
        } else {
            transaction?.phase = .resolving
            act(.resolve(proposal: proposal.id, units: loaded))
        }
        return true
    }

    private mutating func prepareCandidate(_ name: String) {
        guard let id = transaction?.candidates[name] else { return }
        if let resolved = transaction?.plans[name]?.resolved {
            prepare(id, resolved)
        } else {
            fail(id, .init("its options were not checked"))
        }
    }

    mutating func take(_ resolutions: [String: Resolution], of proposal: UInt64) {
        let isForReload = transaction?.phase == .resolving && transaction?.proposal?.id == proposal
        for name in resolutions.keys.sorted() {
            guard let resolution = resolutions[name] else { continue }
            isForReload ? takeForCandidate(resolution, name) : takeForCurrent(resolution, name, proposal)
        }
        guard isForReload else { return }
        transaction?.phase = .preparing
        guard transaction?.isRefused == false, let transaction else { return }
        for name in living(transaction) { prepareCandidate(name) }
    }

    private mutating func takeForCandidate(_ resolution: Resolution, _ name: String) {
        switch resolution {
        case .plans(let resolved): transaction?.plans[name]?.resolved = resolved
        case .wrong(let diagnostics):
            guard let id = transaction?.candidates[name] else { return }
            fail(id, .init("its configuration is wrong", diagnostics: diagnostics, isConfiguration: true))
        }
    }

    private mutating func takeForCurrent(_ resolution: Resolution, _ name: String, _ proposal: UInt64) {
        guard let unit = unit(name), let id = unit.worker, let worker = workers[id], worker.step == .loaded,
            worker.proposal == proposal
        else { return }
        switch resolution {
        case .plans(let resolved):
            update(name) { $0.plan.resolved = resolved }
            prepare(id, resolved)
            retainCommittedListeners()
        case .wrong(let diagnostics):
            fail(id, .init("its configuration is wrong", diagnostics: diagnostics, isConfiguration: true))
        }
    }

    private mutating func concludePreparing(_ current: Transaction) -> Bool {
        guard current.isRefused || haveAll(current, reached: .ready) else { return false }
        // What is wrong with the others is worth knowing too.
        guard !current.isRefused || living(current).allSatisfy({ step($0, current) != .preparing }) else {
            return false
        }
        let onlyFailures = !current.failures.isEmpty && current.failures.count == current.plans.count
        if current.isRefused || (current.kind == .reload && onlyFailures && removedUnits(current).isEmpty) {
            refuse()
        } else if current.kind == .check {
            finishCheck(current)
        } else {
            beginHandOver(current)
        }
        return true
    }

    private mutating func finishCheck(_ current: Transaction) {
        endCandidates(current)
        let failures = current.failures
        finish(failures.isEmpty ? .committed : .refused)
        beginStopping(status: failures.isEmpty ? 0 : 1)
    }

    /// Ends what was started; what runs was not touched, or has been put back.
    mutating func refuse() {
        guard let current = transaction else { return }
        endCandidates(current)
        for (name, time) in current.heldRetries {
            let now = now
            update(name) { if $0.worker == nil, !$0.isWaiting { $0.retryAt = max(time, now) } }
        }
        let isStart = current.isStart
        finish(.refused)
        if isStart { beginStopping(status: 78) }
        retainCommittedListeners()
        retainNeededProposals()
    }

    private mutating func endCandidates(_ current: Transaction) {
        for id in current.candidates.values.sorted() {
            guard workers[id]?.role == .candidate else { continue }
            update(id) { $0.role = .leaving }
            stop(id)
        }
    }

    // MARK: Candidates together

    /// Whether each candidate is in this step, or has failed.
    func haveAll(_ current: Transaction, reached step: Worker.Step) -> Bool {
        current.candidates.allSatisfy { name, id in
            current.failures[name] != nil || workers[id].map { $0.step == step } ?? true
        }
    }

    /// The units whose candidate has not failed, in the configuration's order.
    func living(_ current: Transaction) -> [String] {
        (current.proposal?.units ?? []).map(\.name).filter {
            current.candidates[$0] != nil && current.failures[$0] == nil
        }
    }

    private func step(_ name: String, _ current: Transaction) -> Worker.Step? {
        current.candidates[name].flatMap { workers[$0]?.step }
    }

    func removedUnits(_ current: Transaction) -> [String] {
        units.map(\.plan.name).filter { name in current.proposal?.units.contains { $0.name == name } == false }
    }
}

extension UnitPlan {
    /// Notes in `transaction` whether this plan needs a new worker beside what runs, and whether it may fail.
    fileprivate func compare(with running: Unit?, in transaction: inout Transaction) {
        guard let running else {
            transaction.plans[name] = self
            if transaction.isStart { transaction.tolerated.insert(name) }
            return
        }
        let isSame = asksForTheSame(as: running.plan)
        if isSame, running.isFaring { return }
        transaction.plans[name] = self
        let wasUnresolved = running.plan.resolved == nil && plugins.map(\.digest) == running.plan.plugins.map(\.digest)
        if !running.isFaring, isSame || wasUnresolved {
            transaction.tolerated.insert(name)
            transaction.reasons[name] = "it was not running"
        } else {
            transaction.reasons[name] = difference(from: running.plan)
        }
    }
}
