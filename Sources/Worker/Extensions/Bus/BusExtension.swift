internal import ControlProtocol
internal import FoundationEssentials
internal import Locks
internal import MusterABI
internal import PluginManifest

/// `muster.bus/1` of one component. The aspects: `+Table` (what the plugin calls), `+Delivery` (what comes from the
/// supervisor).
final class BusExtension: @unchecked Sendable {
    // Safe to share: what is constant is made in init and only read from then on; what changes is behind a lock, but for
    // `isPreparing`, which is called on the control thread alone and sees to that itself.

    /// What the plugin wants to be called for messages. The host hands the context back and does nothing else with it, so
    /// these may be moved between threads.
    struct Subscriber: @unchecked Sendable {
        var onMessage: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<muster_bus_message>?) -> Void
        var context: UnsafeMutableRawPointer?
    }

    /// The same for calls.
    struct Server: @unchecked Sendable {
        var onCall: @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<muster_bus_request>?) -> Void
        var context: UnsafeMutableRawPointer?
    }

    /// The same for what came of a call.
    struct Caller: @unchecked Sendable {
        var onReply:
            @convention(c) (UnsafeMutableRawPointer?, muster_bus_call, UnsafePointer<muster_bus_answer>?) -> Void
        var context: UnsafeMutableRawPointer?
    }

    enum Phase {
        /// Before activate.
        case closed
        case open
        /// stop is being called, or was.
        case stopped
    }

    struct State {
        var phase = Phase.closed
        var plan: BusPlan
        var subscribers: [String: Subscriber] = [:]
        var servers: [String: Server] = [:]
        /// Calls that were made, until they end.
        var made: [muster_bus_call: Caller] = [:]
        /// Calls that were cancelled, until the control thread has said so.
        var cancelled: [(muster_bus_call, Caller)] = []
        /// Calls that were given to the plugin and not replied to, with their deadlines.
        var given: [muster_bus_call: UInt64] = [:]
        var lastCall: muster_bus_call = 0
        var rate = BusRate(perSecond: BusLimits.messagesPerSecond)
        /// Called once when no call is left to be replied to.
        var whenDrained: (@Sendable () -> Void)?
    }

    let component: String
    let link: SupervisorLink
    let gate: BusGate
    let state: Locked<State>
    /// Makes the control thread call `deliver`.
    let poke: @Sendable () -> Void
    /// Whether this is the control thread and the component is in prepare.
    let isPreparing: () -> Bool
    private var storage: TableStorage<muster_bus>?

    init(
        component: String, plan: BusPlan, link: SupervisorLink, gate: BusGate, poke: @escaping @Sendable () -> Void,
        isPreparing: @escaping () -> Bool
    ) {
        self.component = component
        self.link = link
        self.gate = gate
        self.poke = poke
        self.isPreparing = isPreparing
        state = Locked(State(plan: plan))
        storage = TableStorage(makeTable())
    }

    var table: UnsafePointer<muster_bus>? { storage?.pointer }

    // MARK: For the control thread

    /// activate is about to be called: from now on the plugin may speak.
    func open() {
        state.withLock { if $0.phase == .closed { $0.phase = .open } }
    }

    /// Nothing comes and nothing goes any more: every call that was made is told so.
    func stop() {
        let ended = state.withLock { state -> [(muster_bus_call, Caller)] in
            state.phase = .stopped
            defer {
                state.made = [:]
                state.cancelled = []
                state.given = [:]
            }
            return state.cancelled + state.made.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        }
        for (call, caller) in ended { tell(caller, call, .cancelled("the component stops")) }
        finishDrain()
    }

    /// Calls `whenDone` once no call is left that the plugin was given and may still reply to.
    func drain(whenDone: @escaping @Sendable () -> Void) {
        state.withLock { $0.whenDrained = whenDone }
        finishDrain()
    }

    /// When a call runs out that was given and not replied to: the drain has one less to wait for then.
    var nextDeadline: UInt64? { state.withLock { $0.whenDrained == nil ? nil : $0.given.values.min() } }

    /// Says what the plugin's own threads have brought about. [control thread]
    func deliver(_ during: (() -> Void) -> Void) {
        let cancelled = state.withLock { state in
            defer { state.cancelled = [] }
            return state.cancelled
        }
        for (call, caller) in cancelled { during { tell(caller, call, .cancelled("it was cancelled")) } }
        finishDrain()
    }

    private func finishDrain() {
        let whenDrained = state.withLock { state -> (@Sendable () -> Void)? in
            guard state.whenDrained != nil else { return nil }
            forgetOverdue(&state)
            return state.given.isEmpty ? state.whenDrained.take() : nil
        }
        whenDrained?()
    }

    /// Calls whose caller has given up.
    func forgetOverdue(_ state: inout State) {
        let now = MonotonicTime.now
        state.given = state.given.filter { $0.value > now }
    }
}
