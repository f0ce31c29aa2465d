import ControlProtocol
import Testing

@testable import Supervisor

/// Random histories: whatever happens in whatever order, what `SupervisorMachine` promises stays true, and in the end
/// everything that was started is gone.
@Suite struct RandomMachineTests {
    /// More histories for a long run: MUSTER_HISTORIES=100000.
    private static let seeds = 0..<(Environment.read()["MUSTER_HISTORIES"].flatMap { UInt64($0) } ?? 300)

    @Test(arguments: seeds)
    func promisesHoldInAnyHistory(seed: UInt64) {
        var world = RandomWorld(seed: seed)
        world.run(steps: 400)
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations)")
    }
}

/// SplitMix64: the same history for the same seed.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A world that keeps its own books of what lives, to hold the machine against.
private struct RandomWorld {
    private var harness = MachineHarness()
    private var dice: Dice
    /// Processes that were started and have not been reaped.
    private var alive: Set<WorkerID> = []
    private var isReading = false
    private var resolving: (UInt64, [String])?
    private(set) var violations: [String] = []
    private var hasExited = false

    init(seed: UInt64) {
        dice = Dice(state: seed)
    }

    mutating func run(steps: Int) {
        feed(.reloadRequested(.start, client: nil, at: 0))
        for _ in 0..<steps where !hasExited && violations.isEmpty { happen() }
        guard violations.isEmpty else { return }
        feed(.shutdownRequested)
        wind()
    }

    /// The end: everything answers or dies, in time.
    private mutating func wind() {
        for _ in 0..<2000 where !hasExited && violations.isEmpty {
            answer()
            for id in alive.sorted() where harness.step(of: id)?.isEnding == true { die(id) }
            for id in alive.sorted() { act(id) }
            passTime(.seconds(1))
        }
        if !hasExited { violations.append("it does not exit") }
        if !alive.isEmpty { violations.append("workers are left: \(alive)") }
    }

    private mutating func happen() {
        switch Int.random(in: 0..<20, using: &dice) {
        case 0..<9: if let id = alive.sorted().randomElement(using: &dice) { act(id) }
        case 9..<11: answer()
        case 11: if let id = alive.sorted().randomElement(using: &dice) { die(id) }
        case 12: feed(.reloadRequested(.command, client: dice.next() % 4, at: 0))
        case 13: feed(.reloadRequested(.signal, client: nil, at: 0))
        case 14: passTime(.milliseconds(UInt64.random(in: 1...3000, using: &dice)))
        case 15: passTime(.seconds(UInt64.random(in: 1...40, using: &dice)))
        case 16: if let id = alive.sorted().randomElement(using: &dice) { misbehave(id) }
        case 17: for id in alive.sorted() where harness.step(of: id)?.isEnding == true { die(id) }
        case 18: for id in alive.sorted() { act(id) }
        default: if Int.random(in: 0..<60, using: &dice) == 0 { feed(.shutdownRequested) }
        }
    }

    private mutating func act(_ id: WorkerID) {
        guard let worker = harness.machine.workers[id], alive.contains(id) else { return }
        let isFailing = Int.random(in: 0..<8, using: &dice) == 0
        switch worker.step {
        case .loading: feed(.report(id, isFailing ? failure(.load) : .loaded([]), diagnostic: nil))
        case .preparing: feed(.report(id, isFailing ? failure(.prepare) : .ready, diagnostic: nil))
        case .activating: feed(.report(id, isFailing ? failure(.activate) : .activated, diagnostic: nil))
        case .quiescing: feed(.report(id, isFailing ? failure(.release) : .released([:]), diagnostic: nil))
        case .draining: feed(.report(id, .drained, diagnostic: nil))
        case .active:
            feed(.report(id, .pulse(Pulse(listeners: [], loopLag: 0, droppedLogLines: 0)), diagnostic: nil))
        case .stopping, .terminating, .aborting, .killed: if !isFailing { die(id) }
        case .loaded, .ready, .released: break
        }
    }

    private mutating func failure(_ stage: WorkerFailure.Stage) -> WorkerReport {
        let isConfiguration = Bool.random(using: &dice)
        return .failed(WorkerFailure(component: nil, stage: stage, message: "no", isConfiguration: isConfiguration))
    }

    private mutating func misbehave(_ id: WorkerID) {
        let reports: [WorkerReport] = [.ready, .activated, .drained, .released([:]), .loaded([]), failure(.run)]
        switch Int.random(in: 0..<4, using: &dice) {
        case 0: feed(.channelEnded(id))
        case 1: feed(.channelFailed(id, reason: "nonsense"))
        default: if let report = reports.randomElement(using: &dice) { feed(.report(id, report, diagnostic: nil)) }
        }
    }

    private mutating func die(_ id: WorkerID) {
        guard alive.remove(id) != nil else { return }
        let statuses: [Supervisor.ExitStatus] = [.exited(0), .exited(1), .exited(78), .signalled(9), .signalled(11)]
        feed(.exited(id, statuses.randomElement(using: &dice) ?? .exited(0)))
    }

    private mutating func answer() {
        if isReading {
            isReading = false
            let isBroken = Int.random(in: 0..<6, using: &dice) == 0 && harness.machine.committed != nil
            feed(isBroken ? .configurationRefused(["broken"]) : .configurationRead(harness.proposal(units())))
        } else if let (proposal, names) = resolving {
            resolving = nil
            var answers: [String: Resolution] = [:]
            for name in names {
                let isWrong = Int.random(in: 0..<15, using: &dice) == 0 && harness.machine.committed != nil
                answers[name] = isWrong ? .wrong(["wrong"]) : .plans([resolved(name)])
            }
            feed(.resolved(proposal: proposal, answers))
        }
    }

    private mutating func resolved(_ name: String) -> ResolvedPlan {
        MachineHarness.resolved(name, option: Int64.random(in: 1...2, using: &dice), port: port(name))
    }

    private func port(_ name: String) -> UInt16 { UInt16(80 + (name.utf8.first ?? 0)) }

    private mutating func units() -> [UnitPlan] {
        ["A", "B", "C"].filter { _ in Int.random(in: 0..<5, using: &dice) > 0 }.map { name in
            let code = Int.random(in: 0..<4, using: &dice) == 0 ? "2" : "1"
            return MachineHarness.unit(
                name, code: code, option: Int64.random(in: 1...2, using: &dice), port: port(name), isKnown: code == "1")
        }
    }

    private mutating func passTime(_ duration: Nanoseconds) {
        let end = harness.now + duration
        for _ in 0..<10_000 where harness.now < end && !hasExited {
            // Nothing withstands SIGKILL for long; what does is told by another test.
            for id in alive.sorted() where harness.step(of: id) == .killed { die(id) }
            let due = harness.machine.nextDeadline ?? end
            if due <= harness.now, harness.machine.phase != .ended {
                let before = due
                feed(.tick)
                if harness.machine.nextDeadline == before { violations.append("a deadline stays due"); return }
            } else {
                harness.now = min(max(due, harness.now), end)
                feed(.tick)
            }
        }
    }

    // MARK: Books

    private mutating func feed(_ event: Event) {
        for action in harness.handle(event) { check(action) }
        checkState()
    }

    private mutating func check(_ action: Action) {
        switch action {
        case .spawn(let id, _, _, _):
            if !alive.insert(id).inserted { violations.append("\(id) is spawned twice") }
        case .send(let id, _), .signal(let id, _), .grantListener(let id, _, _, _):
            if !alive.contains(id) { violations.append("an action for \(id), which is gone") }
        case .readConfiguration:
            if isReading { violations.append("two readings at a time") }
            isReading = true
        case .resolve(let proposal, let units): resolving = (proposal, units)
        case .retainListeners(let addresses):
            let used = harness.machine.units.flatMap(\.plan.addresses)
            if harness.machine.phase == .running, !addresses.isSuperset(of: used) {
                violations.append("a listener in use is unbound")
            }
        case .exit:
            hasExited = true
            if !alive.isEmpty, !harness.machine.isForced { violations.append("it exits with workers alive: \(alive)") }
        default: break
        }
    }

    private mutating func checkState() {
        let machine = harness.machine
        if !hasExited, Set(machine.workers.keys) != alive { violations.append("its workers are not those that live") }
        for name in ["A", "B", "C"] {
            let workers = machine.workers.values.filter { $0.unit == name }
            if workers.filter({ $0.step == .active }).count > 1 { violations.append("two active workers of \(name)") }
            if workers.filter({ $0.role == .current }).count > 1 { violations.append("two current workers of \(name)") }
        }
        guard machine.phase == .running else { return }
        for unit in machine.units where unit.worker == nil && unit.retryAt == nil && !unit.isWaiting {
            if machine.transaction == nil { violations.append("nobody sees to \(unit.plan.name)") }
        }
        for unit in machine.units {
            if let id = unit.worker, machine.workers[id]?.role != .current {
                violations.append("the worker of \(unit.plan.name) is not its own")
            }
        }
    }
}
