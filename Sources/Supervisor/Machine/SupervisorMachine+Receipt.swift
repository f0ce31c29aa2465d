import ControlProtocol

/// What a reload came to, for the one who asked, for the log and for later.
extension SupervisorMachine {
    /// Ends the reload.
    @discardableResult
    mutating func finish(_ result: ReloadReceipt.Result, diagnostics: [String] = []) -> ReloadReceipt {
        guard let current = transaction else { return emptyReceipt(result) }
        var receipt = emptyReceipt(result)
        receipt.generation = number(of: current, result)
        receipt.trigger = current.trigger
        receipt.startedAt = current.startedAt
        receipt.durationSeconds = Double(now.since(current.began)) / 1e9
        receipt.components = outcomes(of: current, result)
        receipt.diagnostics = diagnostics + failures(of: current)
        receipt.drainingConnections = drainingConnections
        if case .rollback(let reason, let unit, let generation) = current.kind {
            // It is the receipt of the reload that was taken back.
            if result == .committed || result == .unchanged {
                receipt.result = .rolledBack
                receipt.generation = generation
            }
            receipt.diagnostics.insert("\(unit): \(reason); the reload was taken back", at: 0)
        }
        transaction = nil
        lastReceipt = receipt
        countIdleSignals(current, result)
        announce(receipt, current)
        act(.finished(receipt, clients: current.clients))
        return receipt
    }

    private func emptyReceipt(_ result: ReloadReceipt.Result) -> ReloadReceipt {
        ReloadReceipt(
            generation: generation, trigger: .start, result: result, startedAt: 0, durationSeconds: 0, components: [],
            diagnostics: [], drainingConnections: 0)
    }

    private func number(of current: Transaction, _ result: ReloadReceipt.Result) -> UInt64 {
        // What makes no generation leaves the present one.
        if result == .unchanged || (result == .committed && current.generation == 0) { return generation }
        return current.generation == 0 ? nextGeneration : current.generation
    }

    /// Connections of older generations that are open.
    var drainingConnections: Int {
        workers.values.filter { $0.role == .leaving }.reduce(0) { $0 + $1.connections }
    }

    private mutating func countIdleSignals(_ current: Transaction, _ result: ReloadReceipt.Result) {
        let isRecent = now.since(lastReloadEnded) < limits.lastSignalPause.after(limits.lastSignalPause)
        let isIdle = current.trigger == .signal && current.generation == 0
        idleSignals = isIdle ? (isRecent ? min(idleSignals + 1, 16) : 1) : 0
        lastReloadEnded = now
    }

    private func failures(of current: Transaction) -> [String] {
        (current.proposal?.units ?? []).flatMap { plan -> [String] in
            guard let failure = current.failures[plan.name] else { return [] }
            return failure.diagnostics.map { $0 == failure.reason ? blame(plan, failure) : $0 }
        }
    }

    /// The reason of a failure for which the driver has no diagnostic: a crash, a deadline.
    private func blame(_ plan: UnitPlan, _ failure: Worker.Failure) -> String {
        var text = "\(plan.name): \(failure.reason)"
        guard plan.plugins.count == 1, let plugin = plan.plugins.first else { return text }
        if failure.isPluginsFault {
            text +=
                ": the fault is the plugin's; install another version of \(plugin.originPath), or set 'enabled: false'"
        }
        return plugin.place.map { "\($0): error: \(text)" } ?? text
    }

    private func outcomes(of current: Transaction, _ result: ReloadReceipt.Result) -> [ReloadReceipt.Component] {
        guard let proposal = current.proposal else { return [] }
        var outcomes: [ReloadReceipt.Component] = []
        let former = current.formerComponents
        for plan in proposal.units {
            for component in plan.components {
                outcomes.append(outcome(of: component, plan.name, former: former, current, result))
            }
        }
        let proposed = Set(proposal.units.flatMap(\.components))
        for component in former.subtracting(proposed).sorted() {
            let isRemoved = result != .refused
            outcomes.append(
                .init(
                    name: component, outcome: isRemoved ? .removed : .unchanged,
                    reason: isRemoved ? nil : "not removed: the reload was refused"))
        }
        return outcomes
    }

    private func outcome(
        of component: String, _ unit: String, former: Set<String>, _ current: Transaction,
        _ result: ReloadReceipt.Result
    ) -> ReloadReceipt.Component {
        if case .rollback(let reason, unit, _) = current.kind {
            return .init(name: component, outcome: .failed, reason: reason)
        }
        if let failure = current.failures[unit] {
            return .init(name: component, outcome: .failed, reason: failure.reason)
        }
        guard current.plans[unit] != nil else {
            guard result == .committed else { return .init(name: component, outcome: .unchanged) }
            let isNarrowed = current.narrowed.contains(component)
            let outcome: ReloadReceipt.Component.Outcome = isNarrowed ? .narrowed : .unchanged
            return .init(name: component, outcome: current.renewed.contains(unit) ? .renewed : outcome)
        }
        let isNew = !former.contains(component)
        guard result != .refused else {
            return .init(
                name: component, outcome: .unchanged,
                reason: isNew ? "not added: the reload was refused" : "not restarted: the reload was refused")
        }
        return .init(name: component, outcome: isNew ? .added : .restarted, reason: current.reasons[unit])
    }

    private mutating func announce(_ receipt: ReloadReceipt, _ current: Transaction) {
        // What fails and is put up with is told as that component's condition.
        if receipt.result != .committed { for diagnostic in receipt.diagnostics { log(.error, diagnostic) } }
        let what = current.isStart ? "start" : "reload"
        let changes = receipt.components.filter { $0.outcome != .unchanged }
            .map { "\($0.name) \($0.outcome.rawValue)" }.joined(separator: ", ")
        let time = String(describing: Double(Int(receipt.durationSeconds * 1000)) / 1000)
        switch receipt.result {
        case .committed:
            guard current.generation != 0 else {
                log(.notice, "\(what) committed: \(changes); generation \(receipt.generation) goes on")
                return
            }
            log(.notice, "\(what) committed as generation \(receipt.generation) in \(time) s: \(changes)")
        case .unchanged: log(.info, "reload: nothing has changed")
        case .refused:
            let rest = current.isStart ? "" : "; generation \(generation) goes on"
            log(.error, "\(what) refused\(rest)")
        case .rolledBack:
            log(.notice, "reload taken back: its predecessor runs again as generation \(generation)")
        }
    }
}
