import ControlProtocol
import PluginManifest

/// The bus without its sockets: what components say goes in, what is to be sent to which worker comes out.
///
/// A pure value: the time is passed in, and how much waits in each worker's socket is told as an event. It trusts no
/// worker: who speaks is known by the socket, and what a component may do by its manifest and the configuration.
///
/// A **message** goes at once to the active worker of every other component that subscribes to the topic, or is dropped
/// and counted. A **call** is in one of two states until it is settled, which happens once:
///
/// | event                                | waiting                     | handed over          |
/// |--------------------------------------|-----------------------------|----------------------|
/// | the service's component is active    | handed over                 | –                    |
/// | its worker replies                   | –                           | answered             |
/// | its worker declines                  | –                           | refused              |
/// | its worker is gone                   | –                           | answered: lost       |
/// | the component waits for a reload, or is removed; the host stops | unreachable | –         |
/// | the configuration forbids it now     | refused                     | –                    |
/// | the deadline passes                  | timed out                   | timed out            |
/// | cancelled, or the caller is gone     | forgotten                   | forgotten            |
///
/// Always true between two events:
///
/// - a message or a call goes to the active worker of its component alone;
/// - each call is answered once, unless it was cancelled or its worker is gone, and is handed over once at most;
/// - calls of a component, and calls to it, are `limits.calls` at most; those that wait hold `limits.waitingBytes` at most;
/// - nothing but what ends calls is added to a socket in which `limits.backlog` bytes wait.
///
/// A call to `host.…` is the host's own to answer: the driver does so at once, and it is in neither state.
///
/// The aspects: `+Messages`, `+Calls`, `+Host`, `+Membership`.
struct BusRelay: Sendable {
    /// How much is taken on.
    struct Limits: Sendable {
        var calls = BusLimits.calls
        /// Payloads of the calls that wait for one component.
        var waitingBytes = 16 << 20
        /// Bytes that wait in a worker's socket: beyond it messages to it are dropped and calls refused.
        var backlog = 4 << 20
        /// The same for answers: beyond it their payload is left out.
        var answerBacklog = 16 << 20
        /// Twice what a worker allows its components, since what it sent evenly may arrive in heaps.
        var messagesPerSecond = 2 * BusLimits.messagesPerSecond
    }

    enum Event: Sendable {
        case changed(BusMembership)
        case report(WorkerID, component: String, BusReport)
        /// A worker's socket has ended: nothing comes from it or reaches it any more.
        case closed(WorkerID)
        /// So many bytes wait in a worker's socket now.
        case backlog(WorkerID, Int)
        /// What the host answers to `askStatus`.
        case hostReplied(CallerKey, BusReply)
        /// A deadline may have passed.
        case tick
    }

    enum Action: Equatable, Sendable {
        case send(WorkerID, component: String, BusCommand)
        case log(LogLevel, component: String, String)
        /// The host's status is wanted: `hostReplied` says it.
        case askStatus(CallerKey)
    }

    /// Who called, by its own number.
    struct CallerKey: Hashable, Sendable {
        var worker: WorkerID
        var component: String
        var id: UInt64
    }

    /// A call that is not settled.
    struct Call: Sendable {
        var caller: CallerKey
        var call: BusCall
        /// The component it waits for, or was handed to.
        var target: String
        /// Whom it was handed to; its payload is not kept then.
        var worker: WorkerID?
    }

    /// The calls that wait for one component.
    struct Queue: Sendable {
        var count = 0
        var bytes = 0
    }

    /// Whose rate is counted.
    struct Speaker: Hashable, Sendable {
        var worker: WorkerID
        var component: String
    }

    let limits: Limits
    var membership = BusMembership()
    /// Members whose socket has ended.
    var closed: Set<WorkerID> = []
    var calls: [UInt64: Call] = [:]
    var numbers: [CallerKey: UInt64] = [:]
    /// The calls that are not handed over, oldest first.
    var waiting: [UInt64] = []
    /// What of `waiting` is for each component; nil where nothing is.
    var queues: [String: Queue] = [:]
    /// Calls that are not settled, by the component that made them and by the one they are for.
    var made: [String: Int] = [:]
    var owed: [String: Int] = [:]
    var deadlines = DeadlineHeap()
    var backlogs: [WorkerID: Int] = [:]
    var rates: [Speaker: BusRate] = [:]
    private(set) var activities: [String: BusActivity] = [:]
    /// Of whom a violation was logged.
    private var accused: Set<Speaker> = []
    private(set) var now: Instant = 0
    private var actions: [Action] = []
    private var lastNumber: UInt64 = 0

    init(limits: Limits = Limits()) {
        self.limits = limits
    }

    mutating func handle(_ event: Event, at now: Instant) -> [Action] {
        self.now = max(now, self.now)
        switch event {
        case .changed(let membership): change(to: membership)
        case .report(let worker, let component, let report): take(report, from: worker, component)
        case .closed(let worker): close(worker)
        case .backlog(let worker, let bytes): noteBacklog(of: worker, bytes)
        case .hostReplied(let key, let reply): hostReplied(key, reply)
        case .tick: expire()
        }
        defer { actions.removeAll() }
        return actions
    }

    /// When `tick` is due; nil while no call is under way.
    var nextDeadline: Instant? {
        mutating get {
            let calls = calls
            return deadlines.first { calls[$0] != nil }
        }
    }

    /// What a component has done; nil for one that has no business on the bus.
    func activity(of component: String) -> BusActivity? { activities[component] }

    private mutating func take(_ report: BusReport, from worker: WorkerID, _ component: String) {
        // What an ending worker says that was never active means nothing.
        guard !closed.contains(worker), membership.members[worker]?.plans[component] != nil else { return }
        switch report {
        case .publish(let topic, let payload): publish(topic, payload, from: worker, component)
        case .call(let call): take(call, from: worker, component)
        case .cancel(let id): cancel(CallerKey(worker: worker, component: component, id: id))
        case .reply(let number, let reply): take(reply, to: number, from: worker, component)
        case .decline(let number, let refusal): decline(number, refusal, from: worker, component)
        case .dropped(let topic, let count): noteDropped(topic, count, by: worker, component)
        }
    }

    // MARK: What the aspects share

    mutating func act(_ action: Action) { actions.append(action) }

    /// Sends, and counts what the socket will hold until the driver says how much it does.
    mutating func send(_ command: BusCommand, payloadCount: Int, to worker: WorkerID, _ component: String) {
        backlogs[worker, default: 0] += payloadCount * 4 / 3 + 512
        actions.append(.send(worker, component: component, command))
    }

    mutating func makeNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    mutating func count(_ component: String, _ change: (inout BusActivity) -> Void) {
        guard var activity = activities[component] else { return }
        change(&activity)
        activities[component] = activity
    }

    mutating func countDropped(_ topic: String, of component: String, _ number: UInt64 = 1) {
        count(component) {
            $0.dropped &+= number
            $0.droppedByTopic[topic, default: 0] &+= number
        }
    }

    /// Counters for these components, and no others.
    mutating func keepActivities(of components: [BusMembership.Component]) {
        var kept: [String: BusActivity] = [:]
        for component in components where !component.plan.uses.isEmpty {
            kept[component.name] = activities[component.name] ?? BusActivity()
        }
        activities = kept
    }

    /// A worker that keeps to the rules of its own side never gets here: said once, counted always.
    mutating func accuse(_ worker: WorkerID, _ component: String, _ what: String) {
        count(component) { $0.violations &+= 1 }
        guard accused.count < 4096, accused.insert(Speaker(worker: worker, component: component)).inserted else {
            return
        }
        act(.log(.warning, component: component, "it \(what); that is dropped and counted, and said once"))
    }

    mutating func pardon(_ worker: WorkerID) { accused = accused.filter { $0.worker != worker } }

    /// What a component's worker may do, as its manifest declares it.
    func declares(_ role: BusDeclaration.Role, _ name: String, _ worker: WorkerID, _ component: String) -> Bool {
        membership.members[worker]?.plans[component]?.declares(role, name) ?? false
    }

    /// Whether the configuration takes a name from a component: the present one, where it still has the component.
    func isDenied(_ name: String, _ worker: WorkerID, _ component: String) -> Bool {
        let plan = membership.component(component)?.plan ?? membership.members[worker]?.plans[component]
        return plan?.denied.contains(name) ?? false
    }

    /// The worker that is active for a component.
    func server(of component: BusMembership.Component) -> WorkerID? {
        component.server.flatMap { closed.contains($0) ? nil : $0 }
    }
}
