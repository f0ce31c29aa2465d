import ControlProtocol
import FoundationEssentials
import PluginManifest
import Testing

@testable import Supervisor

/// Random histories: whatever happens in whatever order, what `BusRelay` promises stays true.
@Suite struct RandomBusTests {
    private static let seeds = 0..<(Environment.read()["MUSTER_HISTORIES"].flatMap { UInt64($0) } ?? 200)

    @Test(arguments: seeds)
    func promisesHoldInAnyHistory(seed: UInt64) {
        var world = RandomBus(seed: seed)
        world.run(steps: 600)
        #expect(world.violations.isEmpty, "seed \(seed): \(world.violations)")
    }
}

/// A world of workers that come and go, with books of its own to hold the relay against.
private struct RandomBus {
    private var bus: BusHarness
    private var dice: SplitMix
    private var nextID: UInt64 = 0
    private var nextWorker: UInt64 = 10
    /// Calls that must be answered yet, and those that were.
    private var open: Set<BusRelay.CallerKey> = []
    private var deadlines: [BusRelay.CallerKey: Instant] = [:]
    private var handed: [UInt64: WorkerID] = [:]
    private var closed: Set<WorkerID> = []
    private(set) var violations: [String] = []
    private static let components = ["Asker", "Depot", "Radio"]

    init(seed: UInt64) {
        var limits = BusRelay.Limits()
        limits.calls = 8
        limits.waitingBytes = 4096
        limits.backlog = 16 << 10
        limits.messagesPerSecond = 1000
        bus = BusHarness(limits)
        dice = SplitMix(state: seed)
    }

    mutating func run(steps: Int) {
        for _ in 0..<steps where violations.isEmpty {
            happen()
            check()
        }
        // The end: every deadline passes, and nothing is left.
        bus.now += BusLimits.timeout
        take(bus.handle(.tick))
        if !open.isEmpty { violations.append("unanswered: \(open)") }
        if !bus.relay.calls.isEmpty || !bus.relay.waiting.isEmpty || bus.relay.nextDeadline != nil {
            violations.append("calls are left")
        }
        if !bus.relay.made.isEmpty || !bus.relay.owed.isEmpty || !bus.relay.queues.isEmpty {
            violations.append("counts are left: \(bus.relay.made) \(bus.relay.owed) \(bus.relay.queues)")
        }
    }

    private mutating func happen() {
        switch Int.random(in: 0..<24, using: &dice) {
        case 0..<8: call()
        case 8..<11: reply()
        case 11: publish()
        case 12: cancel()
        case 13: if let worker = members.randomElement(using: &dice) { close(worker) }
        case 14: if let worker = members.randomElement(using: &dice) { remove(worker) }
        case 15..<18: activate()
        case 18: quiesce()
        case 19: setBacklog()
        case 20: narrow()
        case 21: take(bus.change { $0.isStopping.toggle() })
        default:
            bus.now += UInt64.random(in: 0...2_000_000_000, using: &dice)
            take(bus.handle(.tick))
        }
    }

    private var members: [WorkerID] { bus.membership.members.keys.sorted() }

    private func component(of worker: WorkerID) -> String? { bus.membership.members[worker]?.plans.keys.first }

    private mutating func call() {
        guard let worker = members.randomElement(using: &dice), let component = component(of: worker) else { return }
        nextID += 1
        let key = BusRelay.CallerKey(worker: worker, component: component, id: nextID)
        let timeout = UInt64.random(in: 0...5_000_000_000, using: &dice)
        if !closed.contains(worker) {
            open.insert(key)
            deadlines[key] = bus.now + timeout
        }
        let service = ["jobs", "jobs", "jobs", "away", "stolen"].randomElement(using: &dice) ?? "jobs"
        take(
            bus.call(
                nextID, service, payload: Data(count: Int.random(in: 0...1000, using: &dice)), within: timeout,
                by: component, worker))
    }

    private mutating func reply() {
        guard let worker = members.randomElement(using: &dice), let component = component(of: worker) else { return }
        let number =
            bus.relay.calls.keys.sorted().randomElement(using: &dice) ?? UInt64.random(in: 0...50, using: &dice)
        let isDeclined = Int.random(in: 0..<5, using: &dice) == 0
        take(
            isDeclined
                ? bus.handle(.report(worker, component: component, .decline(number: number, .busy("no"))))
                : bus.reply(number, BusReply(payload: Data(count: 100)), by: component, worker))
    }

    private mutating func publish() {
        guard let worker = members.randomElement(using: &dice), let component = component(of: worker) else { return }
        take(bus.publish("news", String(repeating: "x", count: 500), by: component, worker))
    }

    private mutating func cancel() {
        guard let key = open.sorted(by: { $0.id < $1.id }).randomElement(using: &dice) else { return }
        open.remove(key)
        take(bus.handle(.report(key.worker, component: key.component, .cancel(id: key.id))))
    }

    private mutating func close(_ worker: WorkerID) {
        closed.insert(worker)
        open = open.filter { $0.worker != worker }
        take(bus.handle(.closed(worker)))
    }

    private mutating func remove(_ worker: WorkerID) {
        open = open.filter { $0.worker != worker }
        closed.remove(worker)
        take(bus.remove(worker))
    }

    private mutating func activate() {
        guard let name = Self.components.randomElement(using: &dice) else { return }
        nextWorker += 1
        let worker = WorkerID(number: nextWorker)
        take(
            bus.change {
                $0.members[worker] = .init(plans: [name: BusHarness.plans[name] ?? BusPlan()])
                $0.set(name) { $0.server = worker }
            })
    }

    private mutating func quiesce() {
        guard let name = Self.components.randomElement(using: &dice) else { return }
        let isComing = Int.random(in: 0..<4, using: &dice) != 0
        take(
            bus.change {
                $0.set(name) {
                    $0.server = nil
                    $0.isComing = isComing
                }
            })
    }

    private mutating func setBacklog() {
        guard let worker = members.randomElement(using: &dice) else { return }
        take(bus.handle(.backlog(worker, Int.random(in: 0...(32 << 10), using: &dice))))
    }

    private mutating func narrow() {
        let callers = [[:], ["jobs": ["Radio"]], ["jobs": []]].randomElement(using: &dice) ?? [:]
        let denied = [[], ["jobs"], ["news"]].randomElement(using: &dice) ?? []
        take(
            bus.change {
                $0.set("Depot") { $0.plan.callers = callers }
                $0.set("Asker") { $0.plan.denied = denied }
            })
    }

    // MARK: Promises

    private mutating func take(_ actions: [BusRelay.Action]) {
        for case .send(let worker, let component, let command) in actions {
            if closed.contains(worker) || bus.membership.members[worker]?.plans[component] == nil {
                violations.append("\(command) to \(worker), which is gone")
            }
            switch command {
            case .message: checkActive(worker, component, "a message")
            case .request(let request):
                checkActive(worker, component, "a call")
                if handed.updateValue(worker, forKey: request.number) != nil {
                    violations.append("call \(request.number) was handed over twice")
                }
                if request.deadline <= bus.now { violations.append("call \(request.number) was over already") }
            case .answer(let id, let answer):
                let key = BusRelay.CallerKey(worker: worker, component: component, id: id)
                if open.remove(key) == nil { violations.append("\(key) was answered twice, or after its cancellation") }
                if answer == .timedOut, let deadline = deadlines[key], bus.now < deadline {
                    violations.append("\(key) timed out too early")
                }
            case .withdrawn(let number):
                if handed[number] != worker {
                    violations.append("a call was withdrawn from \(worker), which had it not")
                }
            case .plan: violations.append("the relay hands out no plans")
            }
        }
    }

    private mutating func checkActive(_ worker: WorkerID, _ component: String, _ what: String) {
        let server = bus.membership.component(component)?.server
        if server != worker { violations.append("\(what) went to \(worker), which is not active for \(component)") }
        if bus.membership.isStopping, server == nil { violations.append("\(what) went out without a server") }
    }

    private mutating func check() {
        let limits = bus.relay.limits
        for (component, count) in bus.relay.made where count > limits.calls {
            violations.append("\(component) has \(count) calls under way")
        }
        for (component, count) in bus.relay.owed where count > limits.calls + limits.calls {
            violations.append("\(component) has \(count) calls to answer")
        }
        for (component, queue) in bus.relay.queues where queue.bytes > limits.waitingBytes * 2 {
            violations.append("\(queue.bytes) bytes wait for \(component)")
        }
        if bus.relay.deadlines.count > 2 * bus.relay.calls.count + 64 + 1 {
            violations.append("deadlines of calls that ended are kept")
        }
        if bus.relay.waiting != bus.relay.waiting.sorted() { violations.append("the order of waiting calls is lost") }
        if Set(bus.relay.numbers.keys) != open {
            violations.append("the books differ: \(bus.relay.numbers.keys) \(open)")
        }
    }
}

/// SplitMix64: the same history for the same seed.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
