import ControlProtocol
import FoundationEssentials

/// One worker's steps; the table is at `Worker`.
extension SupervisorMachine {
    /// Starts a worker for a plan. Load follows the spawn by itself.
    @discardableResult
    mutating func spawn(
        _ plan: UnitPlan, role: Worker.Role, generation: UInt64, proposal: UInt64
    ) -> WorkerID {
        let id = makeWorkerID()
        var worker = Worker(
            id: id, unit: plan.name, plan: plan, generation: generation, proposal: proposal, role: role, startedAt: now)
        worker.deadline = now.after(limits.stepTimeout)
        workers[id] = worker
        act(.spawn(id, plan, generation: generation, proposal: proposal))
        return id
    }

    private mutating func enter(_ step: Worker.Step, _ id: WorkerID, for duration: Nanoseconds?) {
        let deadline = duration.map { now.after($0) }
        update(id) {
            $0.step = step
            $0.deadline = deadline
        }
    }

    // MARK: Orders

    mutating func prepare(_ id: WorkerID, _ resolved: [ResolvedPlan]) {
        guard workers[id]?.step == .loaded else { return }
        update(id) { $0.plan.resolved = resolved }
        enter(.preparing, id, for: limits.stepTimeout)
        act(.send(id, .prepare(resolved.map(\.plan))))
    }

    mutating func activate(_ id: WorkerID, _ states: [String: [UInt8]]) {
        guard let worker = workers[id], worker.step == .ready || worker.step == .released else { return }
        let components = worker.plan.components
        enter(.activating, id, for: limits.stepTimeout)
        act(.send(id, .activate(states.filter { components.contains($0.key) }.mapValues { Data($0) })))
    }

    mutating func quiesce(_ id: WorkerID) {
        enter(.quiescing, id, for: limits.quiesceTimeout.after(limits.grace))
        act(.send(id, .quiesce(deadline: now.after(limits.quiesceTimeout))))
    }

    mutating func drain(_ id: WorkerID) {
        guard workers[id] != nil else { return }
        let deadline = now.after(limits.drainTimeout)
        update(id) {
            $0.role = .leaving
            $0.drainDeadline = deadline
        }
        enter(.draining, id, for: limits.drainTimeout.after(limits.grace))
        act(.send(id, .drain(deadline: deadline)))
    }

    mutating func stop(_ id: WorkerID) {
        guard let worker = workers[id], !worker.step.isEnding else { return }
        enter(.stopping, id, for: limits.stopTimeout)
        act(.send(id, .stop))
    }

    mutating func kill(_ id: WorkerID) {
        guard let worker = workers[id], worker.step != .killed else { return }
        enter(.killed, id, for: limits.killTimeout)
        act(.signal(id, Signal.kill))
    }

    /// Ends a worker that failed, or is about to: gone at the latest when it is killed.
    mutating func fail(_ id: WorkerID, _ failure: Worker.Failure) {
        noteFailure(id, failure)
        kill(id)
    }

    /// Remembers the first reason, and tells the reload that prepares it.
    mutating func noteFailure(_ id: WorkerID, _ failure: Worker.Failure) {
        guard let worker = workers[id] else { return }
        if worker.failure == nil { update(id) { $0.failure = failure } }
        guard worker.role == .candidate, transaction?.candidates[worker.unit] == id,
            transaction?.failures[worker.unit] == nil
        else { return }
        transaction?.failures[worker.unit] = worker.failure ?? failure
    }

    // MARK: What workers say

    mutating func take(_ report: WorkerReport, of id: WorkerID, diagnostic: String?) {
        guard let worker = workers[id] else { return }
        switch report {
        case .pulse(let pulse): takePulse(pulse, of: worker)
        // The bus and helpers have machines of their own.
        case .log, .bus, .helperRequest, .helperEnd, .metrics, .snapshotRequest: break
        case .calling(let component, let stage): update(id) { $0.call = .init(component: component, stage: stage) }
        case .stalled(let stall): update(id) { $0.stall = stall }
        case .failed(let failure): takeFailure(failure, of: worker, diagnostic: diagnostic)
        case .loaded, .listenerRequest, .ready, .activated, .released, .drained:
            // What crossed an order to end means nothing any more.
            update(id) { $0.call = nil }
            guard !worker.step.isEnding else { return }
            takeStep(report, of: worker)
        }
    }

    private mutating func takeStep(_ report: WorkerReport, of worker: Worker) {
        switch (report, worker.step) {
        case (.loaded, .loading): loaded(worker)
        case (.listenerRequest(let component, let listener), .preparing):
            requestListener(worker, component: component, listener: listener)
        case (.ready, .preparing): ready(worker)
        case (.activated, .activating): activated(worker)
        case (.released(let states), .quiescing): released(worker, states)
        case (.drained, .draining): stop(worker.id)
        default:
            fail(worker.id, .init("it reported '\(report.name)' while \(worker.step.rawValue)"))
        }
    }

    private mutating func loaded(_ worker: Worker) {
        enter(.loaded, worker.id, for: nil)
        guard worker.role == .current else { return }
        if let resolved = worker.plan.resolved {
            prepare(worker.id, resolved)
        } else {
            act(.resolve(proposal: worker.proposal, units: [worker.unit]))
        }
    }

    private mutating func requestListener(_ worker: Worker, component: String, listener: String) {
        guard
            let addresses = worker.plan.resolved?.first(where: { $0.plan.component == component })?.addresses[listener]
        else {
            let reason = "the manifest of \(component) declares no listener '\(listener)'"
            act(.send(worker.id, .listenerRefused(component: component, listener: listener, reason: reason)))
            return
        }
        act(.grantListener(worker.id, component: component, listener: listener, addresses: addresses))
    }

    private mutating func ready(_ worker: Worker) {
        enter(.ready, worker.id, for: nil)
        update(worker.id) { $0.wasReady = true }
        if worker.role == .current { activate(worker.id, [:]) }
    }

    private mutating func activated(_ worker: Worker) {
        enter(.active, worker.id, for: limits.watchdog)
        let now = now
        update(worker.id) { $0.activeSince = $0.activeSince ?? now }
        if worker.role == .current { serves(worker) }
    }

    private mutating func released(_ worker: Worker, _ states: [String: Data]) {
        enter(.released, worker.id, for: nil)
        for (component, state) in states where worker.plan.components.contains(component) {
            transaction?.states[component] = [UInt8](state)
        }
        if worker.role == .leaving { drain(worker.id) }
    }

    private mutating func takePulse(_ pulse: Pulse, of worker: Worker) {
        let now = now
        let watchdog = limits.watchdog
        update(worker.id) {
            $0.formerPulse = $0.pulse
            $0.formerPulseAt = $0.pulseAt
            $0.pulse = pulse
            $0.stall = nil
            $0.pulseAt = now
            if $0.step == .active { $0.deadline = now.after(watchdog) }
        }
        admitDrops(pulse, of: worker)
        if let worker = workers[worker.id] { noteStability(worker) }
    }

    private mutating func admitDrops(_ pulse: Pulse, of worker: Worker) {
        let count = pulse.droppedLogLines &- (worker.pulse?.droppedLogLines ?? 0)
        guard pulse.droppedLogLines > (worker.pulse?.droppedLogLines ?? 0) else { return }
        log(.warning, "\(count) of its log lines were dropped: it writes more than can be kept", of: worker)
    }

    private mutating func takeFailure(_ failure: WorkerFailure, of worker: Worker, diagnostic: String?) {
        let failure = Worker.Failure(
            failure.message, diagnostics: diagnostic.map { [$0] } ?? [], isConfiguration: failure.isConfiguration,
            isPluginsFault: failure.stage == .load || failure.stage == .create)
        noteFailure(worker.id, failure)
        guard !worker.step.isEnding else { return }
        if worker.step == .quiescing { log(.warning, "\(failure.reason); its state is lost", of: worker) }
        // Whatever the stage: what it took is free only when the process is gone.
        stop(worker.id)
    }

    // MARK: Deadlines and ends

    mutating func expire(_ id: WorkerID) {
        guard let worker = workers[id] else { return }
        switch worker.step {
        case .loading: fail(id, late(worker, "load", limits.stepTimeout))
        case .preparing: fail(id, late(worker, "prepare", limits.stepTimeout))
        case .activating: fail(id, late(worker, "activate", limits.stepTimeout))
        case .quiescing:
            let failure = late(worker, "quiesce", limits.quiesceTimeout)
            log(.warning, "\(failure.reason); it is killed and its state is lost", of: worker)
            fail(id, failure)
        case .active:
            noteFailure(id, .init("the watchdog ended it: \(silence(of: worker))"))
            enter(.aborting, id, for: limits.abortTimeout)
            act(.signal(id, Signal.abort))
        case .draining:
            log(.info, "it is ended with \(worker.connections) connections open: the drain deadline passed", of: worker)
            enter(.terminating, id, for: limits.stopTimeout)
            act(.send(id, .stop))
            act(.signal(id, Signal.terminate))
        case .stopping, .terminating, .aborting:
            if let suspicion = worker.suspicion { noteFailure(id, suspicion) }
            if worker.step != .aborting, worker.suspicion == nil {
                log(.warning, "\(late(worker, "stop", limits.stopTimeout).reason); it is killed", of: worker)
            }
            kill(id)
        case .killed: cannotBeKilled(worker)
        case .loaded, .ready, .released: update(id) { $0.deadline = nil }
        }
    }

    private func late(_ worker: Worker, _ step: String, _ timeout: Nanoseconds) -> Worker.Failure {
        guard let call = worker.call else {
            return .init("it did not answer '\(step)' within \(seconds(timeout)) s")
        }
        return .init(
            "\(plugin(of: call, in: worker)) did not return from \(call.stage.function) within \(seconds(timeout)) s",
            isPluginsFault: true)
    }

    private func plugin(of call: Worker.Call, in worker: Worker) -> String {
        worker.plan.plugins.count == 1 ? "the plugin" : "the plugin of \(call.component)"
    }

    private func silence(of worker: Worker) -> String {
        let time = "silent for \(seconds(limits.watchdog)) s"
        return switch worker.stall {
        case .eventLoop: "its event loops were \(time), blocked by a handler of the plugin that does not return"
        case .controlThread:
            "its control thread was \(time), blocked by a timer or finished work of the plugin that does not return"
        case nil: "it was \(time): the process was stopped, or got no processor time"
        }
    }

    /// How it ended, and in which call of the plugin.
    private func end(of worker: Worker, _ status: ExitStatus) -> Worker.Failure {
        guard let call = worker.call else {
            return .init(status.sentence, isConfiguration: status == .configuration)
        }
        let place = worker.plan.plugins.count == 1 ? "" : " of \(call.component)"
        return .init(
            "\(status.sentence), in the plugin's \(call.stage.function)\(place)",
            isConfiguration: status == .configuration, isPluginsFault: status != .configuration)
    }

    private mutating func cannotBeKilled(_ worker: Worker) {
        log(.error, "process \(worker.pid ?? 0) does not end on SIGKILL: it is stuck in the kernel", of: worker)
        update(worker.id) { $0.deadline = nil }
        if phase == .stopping { workers[worker.id] = nil }
    }

    mutating func channelFailed(_ id: WorkerID, reason: String) {
        guard let worker = workers[id], !worker.step.isEnding else { return }
        fail(id, .init(reason))
    }

    mutating func channelEnded(_ id: WorkerID) {
        guard let worker = workers[id], !worker.step.isEnding else { return }
        // A process that dies closes its socket first: its exit status, which says more, is about to come.
        update(id) {
            $0.suspicion = .init("it closed its control socket")
            $0.brokeOffIn = $0.step
        }
        enter(.terminating, id, for: limits.grace)
    }

    mutating func spawnFailed(_ id: WorkerID, reason: String) {
        guard workers[id] != nil else { return }
        noteFailure(id, .init(reason))
        remove(id)
    }

    mutating func exited(_ id: WorkerID, _ status: ExitStatus) {
        guard let worker = workers[id] else { return }
        if worker.step == .stopping, worker.failure == nil {
            if status != .exited(0) {
                log(.warning, "on its way to the end, \(end(of: worker, status).reason)", of: worker)
            }
        } else {
            noteFailure(id, end(of: worker, status))
        }
        // Whatever it was: an older one that drains holds the sockets too.
        act(.inspectListeners)
        remove(id)
    }

    private mutating func remove(_ id: WorkerID) {
        guard let worker = workers.removeValue(forKey: id) else { return }
        switch worker.role {
        case .current: died(worker)
        case .candidate: transaction?.dead[worker.unit] = worker
        case .leaving: break
        }
        if worker.role == .leaving, let step = worker.unforeseenEnd, let failure = worker.failure {
            log(.warning, "while it was \(step.rawValue), \(failure.reason)", of: worker)
        }
    }

    mutating func log(_ level: LogLevel, _ message: String, of worker: Worker) {
        log(level, message, of: worker.unit, generation: worker.generation)
    }

    func seconds(_ duration: Nanoseconds) -> String {
        duration % 1_000_000_000 == 0
            ? "\(duration / 1_000_000_000)" : "\(Double(duration / 1_000_000) / 1000)"
    }
}

extension WorkerReport {
    /// The case's name, for sentences.
    var name: String {
        switch self {
        case .loaded: "loaded"
        case .listenerRequest: "listenerRequest"
        case .helperRequest: "helperRequest"
        case .helperEnd: "helperEnd"
        case .ready: "ready"
        case .activated: "activated"
        case .released: "released"
        case .drained: "drained"
        case .failed: "failed"
        case .pulse: "pulse"
        case .metrics: "metrics"
        case .snapshotRequest: "snapshotRequest"
        case .log: "log"
        case .bus: "bus"
        case .calling: "calling"
        case .stalled: "stalled"
        }
    }
}

extension WorkerFailure.Stage {
    /// What a plugin's author calls it.
    fileprivate var function: String {
        switch self {
        case .load: "muster_plugin_entry_v1 (or a constructor of its library)"
        default: rawValue
        }
    }
}
