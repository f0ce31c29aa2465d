import ControlProtocol

/// What the service manager is told.
extension HostDriver {
    /// A reload begins where something runs already; the start is told by its end.
    func announceReload() {
        guard machine.committed != nil, machine.phase == .running else { return }
        notifier.reloading("reloading; generation \(machine.generation) serves meanwhile")
    }

    /// The start or a reload has ended. A refused reload leaves the host as ready as it was.
    func announce(_ receipt: ReloadReceipt) {
        guard machine.committed != nil, machine.phase == .running else { return }
        lastReloadRefused = receipt.result == .refused
        notifier.ready(serviceStatus)
    }

    /// After each round of events.
    func tendNotifier() {
        notifier.tend(at: monotonicNow())
        guard notifier.isEnabled else { return }
        switch machine.phase {
        case .starting: notifier.say("starting")
        case .running: if machine.transaction == nil { notifier.say(serviceStatus) }
        case .stopping, .ended:
            guard !saidStopping else { return }
            saidStopping = true
            notifier.stopping("stopping; connections are drained")
        }
    }

    private var serviceStatus: String {
        let statuses = machine.componentStatuses(at: monotonicNow())
        let running = statuses.count { $0.state == .running }
        let others = statuses.filter { $0.state != .running }.map { "\($0.name) is \($0.state.rawValue)" }
        var text = "generation \(machine.generation) serves; \(running) of \(statuses.count) components run"
        if !others.isEmpty { text += " (\(others.prefix(8).joined(separator: ", ")))" }
        return text + (lastReloadRefused ? "; the last reload was refused" : "")
    }
}
