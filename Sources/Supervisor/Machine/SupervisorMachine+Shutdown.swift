import ControlProtocol

/// SIGTERM: everything is quiesced and drained, then the host exits. A second one ends everything at once.
extension SupervisorMachine {
    mutating func requestShutdown() {
        guard phase == .stopping else {
            log(.notice, "stopping: connections are drained; a second signal ends them at once")
            beginStopping(status: 0)
            return
        }
        guard !isForced else { return }
        isForced = true
        log(.notice, "asked a second time: everything is ended at once")
        for id in workers.keys.sorted() { kill(id) }
    }

    /// Ends everything that runs, then exits with `status`.
    mutating func beginStopping(status: Int32) {
        guard phase != .stopping else { return }
        let clients = (transaction?.clients ?? []) + (pending?.clients ?? [])
        if !clients.isEmpty { act(.refuse(clients: clients, "the host is stopping")) }
        phase = .stopping
        exitStatus = status
        transaction = nil
        pending = nil
        probation = nil
        pendingRollback = nil
        for index in units.indices { units[index].retryAt = nil }
        for id in workers.keys.sorted() { leave(id) }
    }

    private mutating func leave(_ id: WorkerID) {
        guard let worker = workers[id] else { return }
        update(id) { $0.role = .leaving }
        switch worker.step {
        case .loading, .loaded, .preparing, .ready, .activating: stop(id)
        case .active: quiesce(id)
        case .released: drain(id)
        case .quiescing, .draining, .stopping, .terminating, .aborting, .killed: break
        }
    }

    mutating func advanceShutdown() {
        guard phase == .stopping else { return }
        if !hasUnbound, !workers.values.contains(where: \.step.isAccepting) {
            // A connect is refused from here on, rather than left in a queue that nobody serves.
            hasUnbound = true
            act(.retainListeners([]))
        }
        guard workers.isEmpty else { return }
        phase = .ended
        if exitStatus == 0 { log(.notice, "stopped") }
        act(.exit(isForced ? max(exitStatus, 1) : exitStatus))
    }
}
