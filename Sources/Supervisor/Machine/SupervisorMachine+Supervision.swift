import ControlProtocol

/// What follows when the worker of a unit dies, and what is said about it. One unit never touches another.
extension SupervisorMachine {
    /// The worker of role `current` of a unit is gone.
    mutating func died(_ worker: Worker) {
        guard let unit = unit(worker.unit), unit.worker == worker.id else { return }
        update(worker.unit) { $0.worker = nil }
        guard phase != .stopping else { return }
        let failure = worker.failure ?? .init("it ended")
        if let transaction, transaction.olds.contains(worker.id) {
            // Its replacement is under way; should that fail, the end of the reload starts it again.
            if worker.unforeseenEnd != nil { log(.warning, "\(failure.reason); its state is lost", of: worker) }
            return
        }
        scheduleRestart(after: worker)
    }

    /// Starts a unit again whose worker, this one, is gone: now, later, or at a reload.
    mutating func scheduleRestart(after worker: Worker) {
        let failure = worker.failure ?? .init("it ended")
        guard let unit = unit(worker.unit) else { return }
        var backoff = unit.backoff
        let decision = backoff.death(
            at: now, afterReady: worker.wasReady, activeFor: worker.activeSince.map { now.since($0) }, limits: limits,
            jitter: jitter)
        update(worker.unit) { $0.backoff = backoff }
        if failure.isConfiguration {
            update(worker.unit) { $0.isWaiting = true }
            say(.waiting(failure.diagnostic), of: worker.unit)
        } else if decision.pause == 0 {
            say(.restarting(failure.diagnostic), of: worker.unit)
            restart(worker.unit)
        } else {
            let retryAt = now.after(decision.pause)
            update(worker.unit) { $0.retryAt = retryAt }
            say(worker.wasReady ? .pausing(failure.diagnostic) : .failing(failure.diagnostic), of: worker.unit)
        }
        if failure.isConfiguration || decision.isOverLimit { exceededLimit(worker.unit, because: failure.reason) }
    }

    /// Starts the worker of a unit that has none.
    mutating func restart(_ name: String) {
        guard phase != .stopping, let unit = unit(name), unit.worker == nil else { return }
        let id = spawn(unit.plan, role: .current, generation: unit.generation, proposal: unit.proposal)
        update(name) {
            $0.worker = id
            $0.retryAt = nil
            $0.isWaiting = false
            $0.restarts += 1
        }
        for component in unit.plan.components { restartTotals[component, default: 0] += 1 }
    }

    /// The worker of a unit is active.
    mutating func serves(_ worker: Worker) {
        guard let unit = unit(worker.unit) else { return }
        switch unit.condition {
        case .failing, .waiting: say(.fine, of: worker.unit)
        case .fine, .restarting, .pausing: break
        }
    }

    /// A pulse: one that has died is fine again when it has run for long enough.
    mutating func noteStability(_ worker: Worker) {
        guard worker.role == .current, let since = worker.activeSince, now.since(since) >= limits.stableAfter,
            let unit = unit(worker.unit), unit.condition != .fine
        else { return }
        update(worker.unit) { $0.backoff = Backoff() }
        say(.fine, of: worker.unit)
    }

    /// Logs a change of condition, once.
    mutating func say(_ condition: Unit.Condition, of name: String) {
        guard let unit = unit(name), unit.condition != condition else { return }
        update(name) { $0.condition = condition }
        let (level, sentence) = Self.sentence(condition, pause: seconds(limits.lastPause))
        log(level, sentence, of: name, generation: unit.generation)
    }

    private static func sentence(_ condition: Unit.Condition, pause: String) -> (LogLevel, String) {
        switch condition {
        case .fine: (.notice, "running again")
        case .restarting(let reason): (.warning, adding("it is restarted at once", to: reason))
        case .pausing(let reason):
            (.error, adding("it died too often and is restarted after pauses of up to \(pause) s", to: reason))
        case .failing(let reason): (.error, adding("it is tried again after pauses of up to \(pause) s", to: reason))
        case .waiting(let reason): (.error, adding("it waits for a reload", to: reason))
        }
    }

    /// At the end of the sentence, which an excerpt of the configuration may follow.
    private static func adding(_ consequence: String, to reason: String) -> String {
        guard let end = reason.firstIndex(of: "\n") else { return "\(reason); \(consequence)" }
        return "\(reason[..<end]); \(consequence)\(reason[end...])"
    }
}
