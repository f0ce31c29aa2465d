import ControlProtocol
import FoundationEssentials
import PluginManifest

@testable import Supervisor

/// A relay with workers around it that a test moves. `Asker` (worker 1) calls `jobs` and `away` and publishes `news`,
/// `Depot` (worker 2) serves `jobs` and subscribes to `news`, as `Radio` (worker 3) does.
struct BusHarness {
    var relay: BusRelay
    var now: Instant = .seconds(1000)
    /// Every action so far.
    var log: [BusRelay.Action] = []
    var membership = BusMembership()

    static let asker = WorkerID(number: 1)
    static let depot = WorkerID(number: 2)
    static let radio = WorkerID(number: 3)
    static let plans: [String: BusPlan] = [
        "Asker": BusPlan(uses: [
            BusUse(.calls, "jobs"), BusUse(.calls, "away"), BusUse(.publishes, "news"), BusUse(.subscribes, "news"),
        ]),
        "Depot": BusPlan(uses: [BusUse(.serves, "jobs"), BusUse(.subscribes, "news")]),
        "Radio": BusPlan(uses: [BusUse(.subscribes, "news"), BusUse(.calls, "jobs")]),
    ]

    init(_ limits: BusRelay.Limits = BusRelay.Limits()) {
        relay = BusRelay(limits: limits)
        for (name, worker) in [("Asker", Self.asker), ("Depot", Self.depot), ("Radio", Self.radio)] {
            membership.members[worker] = .init(plans: [name: Self.plans[name] ?? BusPlan()])
            membership.components.append(.init(name: name, plan: Self.plans[name] ?? BusPlan(), server: worker))
        }
        handle(.changed(membership))
        log = []
    }

    @discardableResult
    mutating func handle(_ event: BusRelay.Event) -> [BusRelay.Action] {
        let actions = relay.handle(event, at: now)
        log += actions
        return actions
    }

    @discardableResult
    mutating func change(_ body: (inout BusMembership) -> Void) -> [BusRelay.Action] {
        body(&membership)
        return handle(.changed(membership))
    }

    @discardableResult
    mutating func pass(_ duration: Nanoseconds) -> [BusRelay.Action] {
        now += duration
        return handle(.tick)
    }

    // MARK: What components do

    @discardableResult
    mutating func publish(
        _ topic: String = "news", _ payload: String = "", by component: String = "Asker", _ worker: WorkerID = asker
    ) -> [BusRelay.Action] {
        handle(.report(worker, component: component, .publish(topic: topic, payload: Data(payload.utf8))))
    }

    @discardableResult
    mutating func call(
        _ id: UInt64, _ service: String = "jobs", method: String = "get", payload: Data = Data(),
        within timeout: Nanoseconds = .seconds(10), by component: String = "Asker", _ worker: WorkerID = asker
    ) -> [BusRelay.Action] {
        let call = BusCall(
            id: id, service: service, method: method, payload: payload, deadline: now.after(timeout))
        return handle(.report(worker, component: component, .call(call)))
    }

    @discardableResult
    mutating func reply(
        _ number: UInt64, _ reply: BusReply = BusReply(), by component: String = "Depot", _ worker: WorkerID = depot
    ) -> [BusRelay.Action] {
        handle(.report(worker, component: component, .reply(number: number, reply)))
    }

    // MARK: What happens to workers

    /// Depot's worker has let go: nobody is active for it.
    @discardableResult
    mutating func quiesceDepot() -> [BusRelay.Action] { change { $0.set("Depot") { $0.server = nil } } }

    /// Another worker is active for Depot.
    @discardableResult
    mutating func activateDepot(_ number: UInt64 = 4) -> [BusRelay.Action] {
        let worker = WorkerID(number: number)
        return change {
            $0.members[worker] = .init(plans: ["Depot": Self.plans["Depot"] ?? BusPlan()])
            $0.set("Depot") { $0.server = worker }
        }
    }

    /// A worker is dead.
    @discardableResult
    mutating func remove(_ worker: WorkerID) -> [BusRelay.Action] {
        change { membership in
            membership.members[worker] = nil
            for index in membership.components.indices where membership.components[index].server == worker {
                membership.components[index].server = nil
            }
        }
    }

    // MARK: Questions

    /// What was sent to whom, so far.
    func sent(to worker: WorkerID) -> [BusCommand] {
        log.compactMap { if case .send(worker, _, let command) = $0 { command } else { nil } }
    }

    func requests(to worker: WorkerID = depot) -> [BusRequest] {
        sent(to: worker).compactMap { if case .request(let request) = $0 { request } else { nil } }
    }

    func answers(to worker: WorkerID = asker) -> [UInt64: [BusAnswer]] {
        var answers: [UInt64: [BusAnswer]] = [:]
        for case .answer(let id, let answer) in sent(to: worker) { answers[id, default: []].append(answer) }
        return answers
    }

    func answer(_ id: UInt64) -> BusAnswer? { answers()[id]?.first }

    func messages(to worker: WorkerID) -> Int {
        sent(to: worker).filter { if case .message = $0 { true } else { false } }.count
    }

    func activity(_ component: String) -> BusActivity { relay.activity(of: component) ?? BusActivity() }

    var accusations: Int { log.filter { if case .log = $0 { true } else { false } }.count }
}

extension BusMembership {
    mutating func set(_ name: String, _ change: (inout Component) -> Void) {
        guard let index = components.firstIndex(where: { $0.name == name }) else { return }
        change(&components[index])
    }
}
