import ControlProtocol

/// The hand-over: what runs releases, what is new is activated; where that fails, the same backwards.
extension SupervisorMachine {
    /// Every new worker is ready. Those that serve now let go; one that does not serve anyway is ended.
    mutating func beginHandOver(_ current: Transaction) {
        transaction?.phase = .quiescing
        for unit in units where current.plans[unit.plan.name] != nil || !isProposed(unit.plan.name, current) {
            if let time = hold(unit.plan.name) { transaction?.heldRetries[unit.plan.name] = time }
            guard let id = unit.worker, let worker = workers[id] else { continue }
            transaction?.olds.append(id)
            worker.step == .active ? quiesce(id) : kill(id)
        }
    }

    private func isProposed(_ name: String, _ current: Transaction) -> Bool {
        current.proposal?.units.contains { $0.name == name } == true
    }

    private func areOlds(_ step: Worker.Step, _ current: Transaction) -> Bool {
        current.olds.allSatisfy { workers[$0].map { $0.step == step } ?? true }
    }

    mutating func concludeQuiescing(_ current: Transaction) -> Bool {
        guard areOlds(.released, current) else { return false }
        if current.isRefused {
            retract(current)
            return true
        }
        transaction?.phase = .activating
        for name in living(current) {
            if let id = current.candidates[name] { activate(id, current.states) }
        }
        return true
    }

    mutating func concludeActivating(_ current: Transaction) -> Bool {
        guard haveAll(current, reached: .active) else { return false }
        current.isRefused ? retract(current) : commit(current)
        return true
    }

    // MARK: Committed

    private mutating func commit(_ current: Transaction) {
        guard let proposal = current.proposal else { return }
        let previous = committed
        for id in current.olds { update(id) { $0.role = .leaving } }
        let failed = succeed(to: proposal, current)
        for id in current.olds where workers[id]?.step == .released { drain(id) }
        limits = proposal.limits
        generation = current.generation
        committed = proposal
        committed?.units = units.map(\.plan)
        forgetRemovedComponents()
        phase = .running
        pendingRollback = nil
        act(.committed(proposal: proposal.id))
        retainCommittedListeners()
        let receipt = finish(.committed)
        beginProbation(of: current, before: previous, receipt)
        for worker in failed { scheduleRestart(after: worker) }
        retainNeededProposals()
    }

    /// Makes `units` what the proposal says. Answers the workers that failed and are gone already.
    private mutating func succeed(to proposal: Proposal, _ current: Transaction) -> [Worker] {
        var failed: [Worker] = []
        var next: [Unit] = []
        for plan in proposal.units {
            guard let id = current.candidates[plan.name] else {
                if let unit = carry(plan, proposal) { next.append(unit) }
                continue
            }
            var unit = Unit(
                plan: current.plans[plan.name] ?? plan, generation: current.generation, proposal: proposal.id)
            if workers[id] != nil {
                unit.worker = id
                update(id) { $0.role = .current }
            } else if let dead = current.dead[plan.name] {
                failed.append(dead)
            }
            next.append(unit)
        }
        units = next
        return failed
    }

    /// A unit that goes on as it is.
    private mutating func carry(_ plan: UnitPlan, _ proposal: Proposal) -> Unit? {
        guard var unit = unit(plan.name) else { return nil }
        unit.proposal = proposal.id
        if unit.plan.credentials != plan.credentials, let id = unit.worker {
            act(.renewCredentials(id, proposal: proposal.id))
        }
        let former = unit.plan.busPlans
        // The same but for its credentials and its rights on the bus: otherwise it would not go on.
        unit.plan.resolved = plan.resolved ?? unit.plan.resolved
        if let id = unit.worker { replaceBusPlans(of: id, unit.plan, former: former) }
        for index in unit.plan.plugins.indices where plan.plugins.indices.contains(index) {
            unit.plan.plugins[index].originPath = plan.plugins[index].originPath
            unit.plan.plugins[index].place = plan.plugins[index].place
        }
        return unit
    }

    /// Tells a worker of other rights on the bus; one that is not prepared yet is prepared with them.
    private mutating func replaceBusPlans(of id: WorkerID, _ plan: UnitPlan, former: [String: BusPlan]) {
        for (component, bus) in plan.busPlans.sorted(by: { $0.key < $1.key }) where former[component] != bus {
            act(.send(id, .bus(component: component, .plan(bus))))
        }
        if workers[id]?.plan.resolved != nil { update(id) { $0.plan.resolved = plan.resolved } }
    }

    /// Nothing to start: only what needs no worker has changed.
    mutating func adopt(_ proposal: Proposal) {
        var next: [Unit] = []
        for plan in proposal.units { if let unit = carry(plan, proposal) { next.append(unit) } }
        units = next
        limits = proposal.limits
        committed = proposal
        committed?.units = units.map(\.plan)
        forgetRemovedComponents()
        act(.committed(proposal: proposal.id))
    }

    private mutating func forgetRemovedComponents() {
        let running = runningComponents
        restartTotals = restartTotals.filter { running.contains($0.key) }
    }

    private mutating func beginProbation(of current: Transaction, before previous: Proposal?, _ receipt: ReloadReceipt)
    {
        probation = nil
        let units = Set(current.candidates.keys.filter { current.failures[$0] == nil })
        guard current.kind == .reload, let previous, !units.isEmpty else { return }
        probation = Probation(
            previous: previous, units: units, until: now.after(limits.probation), receipt: receipt)
    }

    mutating func retainCommittedListeners() {
        var addresses = Set(units.flatMap(\.plan.addresses))
        for plan in (transaction?.plans ?? [:]).values { addresses.formUnion(plan.addresses) }
        act(.retainListeners(addresses))
    }

    // MARK: Taken back

    /// A new worker could not be activated, or died before: those that were let go of what they took.
    private mutating func retract(_ current: Transaction) {
        transaction?.phase = .retracting
        for id in current.candidates.values.sorted() {
            switch workers[id]?.step {
            case .active: quiesce(id)
            case .ready:
                // It took nothing that anyone waits for.
                update(id) { $0.role = .leaving }
                stop(id)
            default: break
            }
        }
    }

    mutating func concludeRetracting(_ current: Transaction) -> Bool {
        let candidates = current.candidates.values.sorted()
        let isRetracted = candidates.allSatisfy { id in
            workers[id].map { $0.step == .released || $0.role == .leaving } ?? true
        }
        guard isRetracted else { return false }
        for id in candidates where workers[id]?.step == .released { drain(id) }
        transaction?.phase = .reactivating
        for id in current.olds where workers[id]?.step == .released { activate(id, current.states) }
        return true
    }

    mutating func concludeReactivating(_ current: Transaction) -> Bool {
        guard areOlds(.active, current) else { return false }
        refuse()
        for unit in units where unit.worker == nil && unit.retryAt == nil && !unit.isWaiting { restart(unit.plan.name) }
        return true
    }
}
