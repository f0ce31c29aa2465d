import ControlProtocol

/// The helpers of all workers, without system calls: what happens goes in, what is to be done comes out.
///
/// A worker is told exactly once what became of each request: failed, or started and then ended. What may happen to a
/// helper in each step (rows) and where it leads; its end removes it from any step:
///
/// | step        | waits for     | next                 | when the deadline passes |
/// |-------------|---------------|----------------------|--------------------------|
/// | starting    | executed      | running              | killed                   |
/// | running     | its end       | terminating, killed  | –                        |
/// | terminating | death         | killed               | killed                   |
/// | killed      | death         |                      | a remark in the log      |
///
/// The end of a worker kills its helpers at once.
struct HelperMachine: Sendable {
    /// Until a helper has sealed itself and become its program.
    static let startTimeout: Nanoseconds = .seconds(10)
    /// Between SIGTERM and SIGKILL where the worker stops.
    static let stopGrace: Nanoseconds = .seconds(1)
    /// Between SIGKILL and the remark that even that did not help.
    static let killTimeout: Nanoseconds = .seconds(5)
    /// Starts of one component within `pacePeriod`: a helper that ends at once, and is started again at once, would keep
    /// the supervisor from its other work.
    static let paceLimit = 64
    static let pacePeriod: Nanoseconds = .seconds(10)

    struct Helper: Sendable {
        enum Step: Sendable { case starting, running, terminating, killed }

        var worker: WorkerID
        var request: HelperRequest
        var step = Step.starting
        var deadline: Instant?
        /// The worker has been told that it runs.
        var isHandedOver = false
        /// Somebody asked for its end, or its worker has ended.
        var isUnwanted = false
        /// Why it did not become its program.
        var failure: String?
    }

    /// Who asks for helpers: each component of each worker for itself.
    private struct Owner: Hashable {
        var worker: WorkerID
        var component: String
    }

    private(set) var helpers: [HelperID: Helper] = [:]
    private var starts: [Owner: [Instant]] = [:]
    private var stopping: Set<WorkerID> = []
    private var lastNumber: UInt64 = 0
    private var actions: [HelperAction] = []
    private var now: Instant = 0
    private let isCheck: Bool

    /// - Parameter isCheck: start none, for `muster check`.
    init(isCheck: Bool = false) {
        self.isCheck = isCheck
    }

    mutating func handle(_ event: HelperEvent, at now: Instant) -> [HelperAction] {
        self.now = max(now, self.now)
        switch event {
        case .requested(let worker, let request, let isStaged): take(request, of: worker, isStaged)
        case .endRequested(let worker, let component, let number, let grace):
            guard let id = find(worker, component, number) else { break }
            end(id, grace: grace)
        case .spawnFailed(let id, let reason):
            fail(id, reason)
            remove(id)
        case .failed(let id, let reason): fail(id, reason)
        case .executed(let id): executed(id)
        case .exited(let id, let status): exited(id, status)
        case .workerStops(let worker):
            stopping.insert(worker)
            for id in helpers(of: worker) { end(id, grace: Self.stopGrace) }
        case .workerEnded(let worker): workerEnded(worker)
        case .tick: break
        }
        expireDeadlines()
        defer { actions = [] }
        return actions
    }

    /// When `tick` is due; nil while nothing is timed.
    var nextDeadline: Instant? { helpers.values.compactMap(\.deadline).min() }

    // MARK: Asking

    private mutating func take(_ request: HelperRequest, of worker: WorkerID, _ isStaged: Bool) {
        guard request.number != 0, find(worker, request.component, request.number) == nil else {
            actions.append(.distrust(worker, reason: "it used the number \(request.number) for two helpers"))
            return
        }
        if let reason = refusal(of: request, by: worker, isStaged) {
            tell(worker, .helperFailed(component: request.component, number: request.number, reason: reason))
            log(.warning, worker, request, "it is not started: \(reason)")
            return
        }
        lastNumber += 1
        let id = HelperID(number: lastNumber)
        helpers[id] = Helper(worker: worker, request: request, deadline: now.after(Self.startTimeout))
        actions.append(.start(id, worker, request))
    }

    private mutating func refusal(of request: HelperRequest, by worker: WorkerID, _ isStaged: Bool) -> String? {
        guard !isCheck else { return "'muster check' starts no helpers" }
        guard !stopping.contains(worker) else { return "the component is ending" }
        guard isStaged else { return "the manifest of \(request.component) declares no such helper" }
        guard HelperLimits.allow(request.arguments) else {
            return "its arguments have a NUL, or are more than \(HelperLimits.arguments) or "
                + "\(HelperLimits.argumentBytes) bytes"
        }
        let owner = Owner(worker: worker, component: request.component)
        let count = helpers.values.count { $0.worker == worker && $0.request.component == request.component }
        guard count < HelperLimits.count else { return "\(HelperLimits.count) helpers of the component run already" }
        var recent = (starts[owner] ?? []).filter { now.since($0) < Self.pacePeriod }
        guard recent.count < Self.paceLimit else {
            starts[owner] = recent
            return "\(Self.paceLimit) helpers of the component were started within "
                + "\(Self.pacePeriod / 1_000_000_000) s: try again later"
        }
        recent.append(now)
        starts[owner] = recent
        return nil
    }

    // MARK: Steps

    private mutating func executed(_ id: HelperID) {
        guard let helper = helpers[id], !helper.isHandedOver, helper.failure == nil else { return }
        if helper.step == .starting { update(id) { ($0.step, $0.deadline) = (.running, nil) } }
        guard !isGone(helper.worker) else { return }
        update(id) { $0.isHandedOver = true }
        actions.append(.handOver(id))
    }

    private mutating func fail(_ id: HelperID, _ reason: String) {
        update(id) { if $0.failure == nil, !$0.isHandedOver { $0.failure = reason } }
    }

    private mutating func end(_ id: HelperID, grace: Nanoseconds) {
        guard let helper = helpers[id], helper.step != .killed else { return }
        update(id) { $0.isUnwanted = true }
        guard grace > 0, helper.step != .starting else { return kill(id) }
        let deadline = now.after(grace)
        let isFirst = helper.step != .terminating
        update(id) {
            $0.step = .terminating
            $0.deadline = isFirst ? deadline : min(deadline, $0.deadline ?? .max)
        }
        if isFirst { actions.append(.signal(id, Signal.terminate)) }
    }

    private mutating func kill(_ id: HelperID) {
        let deadline = now.after(Self.killTimeout)
        update(id) { ($0.step, $0.deadline) = (.killed, deadline) }
        actions.append(.signal(id, Signal.kill))
    }

    private mutating func exited(_ id: HelperID, _ status: ExitStatus) {
        guard let helper = helpers[id] else { return }
        if helper.isHandedOver {
            remark(helper, status)
        } else {
            fail(id, helper.isUnwanted ? "its end was asked for before it had started" : status.sentence)
        }
        remove(id, status)
    }

    private mutating func remark(_ helper: Helper, _ status: ExitStatus) {
        guard !helper.isUnwanted, status != .exited(0) else { return }
        log(.notice, helper.worker, helper.request, status.sentence)
    }

    /// It is gone: its worker is told.
    private mutating func remove(_ id: HelperID, _ status: ExitStatus = .exited(0)) {
        guard let helper = helpers.removeValue(forKey: id), !isGone(helper.worker) else { return }
        let (component, number) = (helper.request.component, helper.request.number)
        guard helper.isHandedOver else {
            let reason = helper.failure ?? "it could not be started"
            if !helper.isUnwanted { log(.error, helper.worker, helper.request, "it cannot be started: \(reason)") }
            return tell(helper.worker, .helperFailed(component: component, number: number, reason: reason))
        }
        let ending: HelperEnding =
            switch status {
            case .exited(let code): .exited(code)
            case .signalled(let signal): .signalled(signal)
            }
        tell(helper.worker, .helperEnded(component: component, number: number, ending))
    }

    // MARK: Workers

    /// Workers that have ended while helpers of theirs are still there.
    private var gone: Set<WorkerID> = []

    private func isGone(_ worker: WorkerID) -> Bool { gone.contains(worker) }

    private mutating func workerEnded(_ worker: WorkerID) {
        stopping.remove(worker)
        starts = starts.filter { $0.key.worker != worker }
        let left = helpers(of: worker)
        gone = gone.filter { gone in helpers.values.contains { $0.worker == gone } }
        if !left.isEmpty { gone.insert(worker) }
        for id in left {
            update(id) { $0.isUnwanted = true }
            if helpers[id]?.step != .killed { kill(id) }
        }
    }

    // MARK: Time

    private mutating func expireDeadlines() {
        for id in helpers.keys.sorted() {
            guard let helper = helpers[id], let deadline = helper.deadline, deadline <= now else { continue }
            switch helper.step {
            case .starting:
                fail(id, "it was not sealed within \(Self.startTimeout / 1_000_000_000) s")
                kill(id)
            case .terminating: kill(id)
            case .killed:
                update(id) { $0.deadline = nil }
                log(.error, helper.worker, helper.request, "it does not end on SIGKILL: it is stuck in the kernel")
            case .running: update(id) { $0.deadline = nil }
            }
        }
    }

    // MARK: What the steps share

    private func find(_ worker: WorkerID, _ component: String, _ number: UInt64) -> HelperID? {
        helpers.first {
            $0.value.worker == worker && $0.value.request.component == component && $0.value.request.number == number
        }?.key
    }

    private func helpers(of worker: WorkerID) -> [HelperID] {
        helpers.filter { $0.value.worker == worker }.keys.sorted()
    }

    private mutating func update(_ id: HelperID, _ change: (inout Helper) -> Void) {
        guard var helper = helpers[id] else { return }
        change(&helper)
        helpers[id] = helper
    }

    private mutating func tell(_ worker: WorkerID, _ command: WorkerCommand) { actions.append(.tell(worker, command)) }

    private mutating func log(_ level: LogLevel, _ worker: WorkerID, _ request: HelperRequest, _ message: String) {
        actions.append(.log(level, worker, component: request.component, helper: request.name, message))
    }
}
