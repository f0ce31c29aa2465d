import ControlProtocol
import FoundationEssentials

@testable import Supervisor

/// A machine with a world around it that does what a test says: time, and workers that answer.
struct MachineHarness {
    var machine: SupervisorMachine
    var now: Instant = .seconds(1000)
    /// Every action so far, and those of the last event.
    var log: [Action] = []
    var recent: [Action] = []
    private var nextProposal: UInt64 = 0

    init(isCheck: Bool = false) {
        machine = SupervisorMachine(isCheck: isCheck) { _ in 0 }
    }

    // MARK: Events

    @discardableResult
    mutating func handle(_ event: Event) -> [Action] {
        recent = machine.handle(event, at: now)
        log += recent
        return recent
    }

    /// Lets time pass, waking the machine whenever it asks to be; workers that run pulse each second.
    mutating func pass(_ duration: Nanoseconds, pulsing: Bool = true) {
        let end = now + duration
        while now < end {
            let next = min(machine.nextDeadline ?? end, end, pulsing ? now + .seconds(1) : end)
            now = max(next, now + 1)
            var actions = machine.handle(.tick, at: now)
            for id in pulsing ? machine.workers.keys.sorted() : [] {
                actions += machine.handle(.report(id, .pulse(pulse), diagnostic: nil), at: now)
            }
            log += actions
            recent = actions
        }
    }

    private var pulse: Pulse { Pulse(listeners: [], loopLag: 0, droppedLogLines: 0) }

    mutating func report(_ id: WorkerID?, _ report: WorkerReport, diagnostic: String? = nil) {
        guard let id else { return }
        handle(.report(id, report, diagnostic: diagnostic))
    }

    mutating func exit(_ id: WorkerID?, _ status: Supervisor.ExitStatus = .exited(0)) {
        guard let id else { return }
        handle(.exited(id, status))
    }

    mutating func fail(
        _ id: WorkerID?, _ stage: WorkerFailure.Stage, _ message: String, isConfiguration: Bool = false
    ) {
        let failure = WorkerFailure(
            component: nil, stage: stage, message: message, isConfiguration: isConfiguration)
        report(id, .failed(failure), diagnostic: "config.yaml:1:1: error: \(message)")
    }

    // MARK: Configurations

    static func unit(
        _ name: String, code: String = "1", option: Int64 = 1, port: UInt16? = nil, isKnown: Bool = true,
        place: String? = nil
    ) -> UnitPlan {
        UnitPlan(
            name: name,
            plugins: [
                PluginPlan(
                    component: name, originPath: "/plugins/lib\(name).so", digest: "\(name)-\(code)",
                    copyPath: "/data/plugins/\(code)/lib\(name).so", stateDirectory: "/data/components/\(name)",
                    place: place)
            ], privileges: Privileges(), loopCount: 1, logLevel: .info, isDebugging: false,
            resolved: isKnown ? [resolved(name, option: option, port: port)] : nil)
    }

    static func resolved(_ name: String, option: Int64 = 1, port: UInt16? = nil) -> ResolvedPlan {
        let listener = ListenerPlan(name: "main", transport: .http, clientCertificate: .none, maxConnections: 10)
        return ResolvedPlan(
            plan: ComponentPlan(
                component: name, options: ["option": .integer(option)], listeners: port == nil ? [] : [listener]),
            addresses: port.map {
                ["main": [BindAddress(host: "::", port: $0, component: name, listener: "main")]]
            } ?? [:])
    }

    mutating func proposal(_ units: [UnitPlan], limits: Limits = Limits()) -> Proposal {
        nextProposal += 1
        return Proposal(id: nextProposal, limits: limits, units: units)
    }

    // MARK: Whole procedures

    /// Asks for a reload and hands the machine what was read.
    mutating func ask(
        _ units: [UnitPlan], by trigger: ReloadReceipt.Trigger = .command, client: ClientID? = nil,
        limits: Limits = Limits()
    ) {
        handle(.reloadRequested(trigger, client: client, at: 1))
        guard machine.transaction?.phase == .reading else { return }
        handle(.configurationRead(proposal(units, limits: limits)))
    }

    /// Lets every worker do what it is told, until nothing moves, except those that `refusing` picks.
    mutating func settle(except stubborn: Set<WorkerID> = []) {
        for _ in 0..<1000 {
            if let phase = machine.transaction?.phase, phase == .resolving { resolveAll() }
            var moved = false
            for id in machine.workers.keys.sorted() where !stubborn.contains(id) {
                moved = step(id) || moved
            }
            if !moved, machine.transaction?.phase != .resolving { return }
        }
    }

    /// The answer a healthy worker gives to what it was told; false where it waits for something.
    mutating func step(_ id: WorkerID) -> Bool {
        guard let worker = machine.workers[id] else { return false }
        switch worker.step {
        case .loading: report(id, .loaded([]))
        case .preparing: report(id, .ready)
        case .activating: report(id, .activated)
        case .quiescing: report(id, .released(states(worker)))
        case .draining: report(id, .drained)
        case .stopping: exit(id)
        case .terminating: exit(id, .signalled(15))
        case .aborting: exit(id, .signalled(6))
        case .killed: exit(id, .signalled(9))
        case .loaded:
            guard worker.role == .current else { return false }
            let resolved = Resolution.plans([Self.resolved(worker.unit)])
            handle(.resolved(proposal: worker.proposal, [worker.unit: resolved]))
        case .ready, .active, .released: return false
        }
        return true
    }

    private func states(_ worker: Worker) -> [String: Data] {
        [worker.unit: Data("state of \(worker.id.number)".utf8)]
    }

    /// Every candidate's options are right.
    mutating func resolveAll() {
        guard let transaction = machine.transaction, let proposal = transaction.proposal else { return }
        var resolutions: [String: Resolution] = [:]
        for unit in proposal.units where step(of: transaction.candidates[unit.name]) == .loaded {
            resolutions[unit.name] = .plans(unit.resolved ?? [Self.resolved(unit.name)])
        }
        handle(.resolved(proposal: proposal.id, resolutions))
    }

    /// A host that runs these units.
    static func running(_ units: [UnitPlan], limits: Limits = Limits()) -> MachineHarness {
        var harness = MachineHarness()
        harness.ask(units, by: .start, limits: limits)
        harness.settle()
        harness.log = []
        return harness
    }

    /// Lets time pass until a unit that waits to be tried again is.
    mutating func passToRetry(of unit: String) {
        guard current(unit) == nil, let retryAt = machine.unit(unit)?.retryAt else { return }
        pass(retryAt.since(now))
    }

    /// Hands the machine a configuration if it is waiting for one.
    mutating func answerReading(_ units: [UnitPlan]) {
        guard machine.transaction?.phase == .reading else { return }
        handle(.configurationRead(proposal(units)))
    }

    /// Lets a unit's worker die again and again, each time it runs.
    mutating func crash(_ unit: String, times: Int, status: Supervisor.ExitStatus = .signalled(11)) {
        for _ in 0..<times {
            passToRetry(of: unit)
            settle()
            exit(current(unit), status)
        }
    }

    // MARK: Questions

    func current(_ unit: String) -> WorkerID? { machine.unit(unit)?.worker }
    func candidate(_ unit: String) -> WorkerID? { machine.transaction?.candidates[unit] }
    func step(of id: WorkerID?) -> Worker.Step? { id.flatMap { machine.workers[$0]?.step } }

    var receipts: [ReloadReceipt] {
        log.compactMap { if case .finished(let receipt, _) = $0 { receipt } else { nil } }
    }

    var exits: [Int32] { log.compactMap { if case .exit(let status) = $0 { status } else { nil } } }

    var spawned: [WorkerID] { log.compactMap { if case .spawn(let id, _, _, _) = $0 { id } else { nil } } }

    var readings: Int { log.filter { if case .readConfiguration = $0 { true } else { false } }.count }

    func logged(atLeast level: LogLevel = .notice, of component: String? = nil) -> [String] {
        log.compactMap {
            guard case .log(let at, let name, _, let text) = $0, at >= level, component == nil || name == component
            else { return nil }
            return text
        }
    }

    func signals(to id: WorkerID?) -> [Int32] {
        log.compactMap { if case .signal(id, let number) = $0 { number } else { nil } }
    }

    func commands(to id: WorkerID?) -> [String] {
        log.compactMap {
            guard case .send(id, let command) = $0 else { return nil }
            return switch command {
            case .load: "load"
            case .prepare: "prepare"
            case .listenerGranted: "listenerGranted"
            case .credentials: "credentials"
            case .listenerRefused: "listenerRefused"
            case .helperStarted: "helperStarted"
            case .helperFailed: "helperFailed"
            case .helperEnded: "helperEnded"
            case .activate: "activate"
            case .quiesce: "quiesce"
            case .drain: "drain"
            case .bus: "bus"
            case .snapshot: "snapshot"
            case .stop: "stop"
            }
        }
    }

    func activationState(of id: WorkerID?) -> [String: Data]? {
        log.reversed().lazy.compactMap { action -> [String: Data]? in
            if case .send(id, .activate(let states)) = action { states } else { nil }
        }.first
    }

    var retained: Set<BindAddress>? {
        log.reversed().lazy.compactMap { if case .retainListeners(let addresses) = $0 { addresses } else { nil } }.first
    }

    func outcome(_ component: String) -> ReloadReceipt.Component.Outcome? {
        receipts.last?.components.first { $0.name == component }?.outcome
    }
}
