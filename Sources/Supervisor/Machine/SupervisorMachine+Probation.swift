import ControlProtocol

/// After a commit: what was changed has to prove itself, or the whole reload is taken back.
///
/// Probation is always that of the newest commit. Taking back goes to the configuration it replaced, as a reload of its
/// own that is not on probation itself.
extension SupervisorMachine {
    mutating func exceededLimit(_ unit: String, because reason: String) {
        guard let probation, probation.units.contains(unit), now < probation.until, pendingRollback == nil else {
            return
        }
        pendingRollback = (probation, reason, unit)
        log(
            .error, "it cannot run within \(seconds(limits.probation)) s of the reload: the reload is taken back",
            of: unit)
    }

    mutating func endProbation() {
        probation = nil
        retainNeededProposals()
    }

    /// Whether there was something to take back.
    mutating func beginRollback() -> Bool {
        guard let rollback = pendingRollback else { return false }
        pendingRollback = nil
        probation = nil
        var next = Transaction(
            kind: .rollback(
                reason: rollback.reason, unit: rollback.unit, generation: rollback.probation.receipt.generation),
            trigger: rollback.probation.receipt.trigger,
            clients: [], startedAt: rollback.probation.receipt.startedAt, began: now,
            formerComponents: runningComponents)
        next.tolerated = Set(rollback.probation.previous.units.map(\.name))
        transaction = next
        begin(rollback.probation.previous)
        return true
    }

    /// The driver keeps texts and plugin copies for these.
    mutating func retainNeededProposals() {
        var needed = Set(units.map(\.proposal))
        for worker in workers.values { needed.insert(worker.proposal) }
        if let committed { needed.insert(committed.id) }
        if let probation { needed.insert(probation.previous.id) }
        if let pendingRollback { needed.insert(pendingRollback.probation.previous.id) }
        if let proposal = transaction?.proposal { needed.insert(proposal.id) }
        act(.retainProposals(needed))
    }
}
