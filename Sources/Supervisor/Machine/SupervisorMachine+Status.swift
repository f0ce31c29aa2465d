import ControlProtocol

/// What `muster status` shows, as far as it can be known without asking the system.
extension SupervisorMachine {
    var hostPhase: HostStatus.Phase {
        switch phase {
        case .starting: .starting
        case .stopping, .ended: .stopping
        case .running: transaction != nil ? .reloading : probation != nil ? .probation : .running
        }
    }

    /// Every component with its worker, in the configuration's order.
    func componentStatuses(at now: Instant) -> [ComponentStatus] {
        if committed == nil, let transaction { return startingStatuses(transaction, now) }
        return units.flatMap { unit in
            unit.plan.plugins.map { plugin in
                status(
                    of: plugin, unit.plan, worker: unit.worker.flatMap { workers[$0] }, unit: unit,
                    generation: unit.generation, at: now)
            }
        }
    }

    private func startingStatuses(_ transaction: Transaction, _ now: Instant) -> [ComponentStatus] {
        (transaction.proposal?.units ?? []).flatMap { plan in
            plan.plugins.map { plugin in
                status(
                    of: plugin, plan, worker: transaction.candidates[plan.name].flatMap { workers[$0] }, unit: nil,
                    generation: transaction.generation, failure: transaction.failures[plan.name],
                    at: now)
            }
        }
    }

    private func status(
        of plugin: PluginPlan, _ plan: UnitPlan, worker: Worker?, unit: Unit?, generation: UInt64,
        failure: Worker.Failure? = nil, at now: Instant
    ) -> ComponentStatus {
        var status = ComponentStatus(
            name: plugin.component, state: state(worker, unit), message: unit?.condition.reason ?? failure?.diagnostic,
            pid: worker?.pid, generation: generation,
            uptimeSeconds: worker?.activeSince.map { Double(now.since($0)) / 1e9 },
            nextAttemptSeconds: unit?.retryAt.map { Double($0.since(now)) / 1e9 }, restarts: unit?.restarts ?? 0,
            pluginPath: plugin.originPath, pluginVersion: nil, pluginDigest: plugin.digest, isPluginNewerOnDisk: false,
            residentBytes: nil, processorSeconds: nil, listeners: listeners(of: plugin.component, plan, worker),
            draining: draining(plan.name, now))
        status.isBuiltIn = plugin.builtIn != nil
        return status
    }

    private func state(_ worker: Worker?, _ unit: Unit?) -> ComponentStatus.State {
        guard let worker else {
            guard let unit else { return .starting }
            if unit.isWaiting { return .waitingForReload }
            return phase == .stopping ? .stopping : .retrying
        }
        switch worker.step {
        case .loading, .loaded, .preparing: return .starting
        case .ready, .activating: return .ready
        case .active, .quiescing, .released: return .running
        case .draining, .stopping, .terminating, .aborting, .killed: return .stopping
        }
    }

    private func listeners(of component: String, _ plan: UnitPlan, _ worker: Worker?) -> [ListenerStatus] {
        guard let resolved = plan.resolved?.first(where: { $0.plan.component == component }) else { return [] }
        return resolved.plan.listeners.map { listener in
            let activity = worker?.pulse?.activity(component, listener.name)
            let former = worker?.formerPulse?.activity(component, listener.name)
            var rate = 0.0
            if let worker, let activity, let former, worker.pulseAt > worker.formerPulseAt {
                let seconds = Double(worker.pulseAt - worker.formerPulseAt) / 1e9
                rate = Double(activity.requests >= former.requests ? activity.requests - former.requests : 0) / seconds
            }
            return ListenerStatus(
                name: listener.name, transport: listener.transport.rawValue,
                addresses: (resolved.addresses[listener.name] ?? []).map(\.description), requestsPerSecond: rate,
                activity: activity ?? ListenerActivity(component: component, listener: listener.name))
        }
    }

    private func draining(_ unit: String, _ now: Instant) -> [DrainingStatus] {
        workers.values.filter { $0.unit == unit && $0.drainDeadline != nil }.sorted { $0.id < $1.id }.map {
            DrainingStatus(
                generation: $0.generation, pid: $0.pid ?? 0, connections: $0.connections,
                remainingSeconds: Double(($0.drainDeadline ?? now).since(now)) / 1e9)
        }
    }
}

extension Pulse {
    fileprivate func activity(_ component: String, _ listener: String) -> ListenerActivity? {
        listeners.first { $0.component == component && $0.listener == listener }
    }
}
