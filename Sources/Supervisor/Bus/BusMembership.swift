import ControlProtocol

/// Who takes part in the bus at present, as `SupervisorMachine` sees it.
struct BusMembership: Equatable, Sendable {
    /// A worker that may speak: it has been told to activate and is not gone.
    struct Member: Equatable, Sendable {
        /// What its components' manifests declare, by component, as it was started.
        var plans: [String: BusPlan]
    }

    /// A configured component.
    struct Component: Equatable, Sendable {
        var name: String
        var plan: BusPlan
        /// The worker that is active for it: who gets its messages and calls.
        var server: WorkerID?
        /// Without a server: one comes without anybody's doing.
        var isComing = true
    }

    var members: [WorkerID: Member] = [:]
    /// In the configuration's order.
    var components: [Component] = []
    var isStopping = false
}

extension SupervisorMachine {
    /// Who takes part in the bus: of a reload that is being committed, what is new counts already.
    var busMembership: BusMembership {
        var membership = BusMembership(isStopping: phase == .stopping || phase == .ended)
        for (id, worker) in workers where worker.maySpeak {
            membership.members[id] = .init(plans: worker.plan.busPlans)
        }
        var known: Set<String> = []
        for unit in units {
            let next = plan(ofCommitting: unit.plan.name)
            let server = unit.worker.flatMap { workers[$0]?.step == .active ? $0 : nil }
            known.insert(unit.plan.name)
            membership.add(next ?? unit.plan, server: server, isComing: next != nil || !unit.isWaiting)
        }
        for plan in transaction?.proposal?.units ?? [] where !known.contains(plan.name) {
            if let next = self.plan(ofCommitting: plan.name) { membership.add(next, server: nil, isComing: true) }
        }
        return membership
    }

    private func plan(ofCommitting unit: String) -> UnitPlan? {
        guard let transaction, transaction.phase == .quiescing || transaction.phase == .activating,
            transaction.failures[unit] == nil
        else { return nil }
        return transaction.plans[unit]
    }
}

extension BusMembership {
    fileprivate mutating func add(_ unit: UnitPlan, server: WorkerID?, isComing: Bool) {
        for resolved in unit.resolved ?? [] {
            components.append(
                Component(
                    name: resolved.plan.component, plan: resolved.plan.bus, server: server, isComing: isComing))
        }
    }
}

extension Worker {
    /// It has been told to activate: from then on to its end it may publish, call and reply.
    fileprivate var maySpeak: Bool {
        switch step {
        case .loading, .loaded, .preparing, .ready: false
        case .activating, .active, .quiescing, .released, .draining: true
        case .stopping, .terminating, .aborting, .killed: activeSince != nil
        }
    }
}

extension UnitPlan {
    /// By component.
    var busPlans: [String: BusPlan] {
        Dictionary((resolved ?? []).map { ($0.plan.component, $0.plan.bus) }, uniquingKeysWith: { first, _ in first })
    }
}
