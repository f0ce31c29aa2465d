internal import Locks
internal import ControlProtocol
internal import Synchronization

/// What decides whether the worker is alive, for the watchdog: shared by the control thread, which writes, and the
/// reader thread, which sends the pulse.
final class WorkerVitals: Sendable {
    /// How late a loop's tick may be, and how long a callback on the control thread may take, before the pulse stops.
    static let patience = 3 * MonotonicTime.second

    private let engine: Locked<(any HTTPEngine)?>
    private let servers = Locked<[any HTTPServing]>([])
    private let listeners = Locked<[Listeners]>([])
    private let metrics = Locked<[MetricsExtension]>([])
    /// When the callback that runs on the control thread began; 0: none. Lifecycle steps do not count: the supervisor
    /// has deadlines of its own for them.
    private let callbackBegan = Atomic<UInt64>(0)

    /// The listeners of one component.
    private struct Listeners {
        var component: String
        var lost: @Sendable () -> String?
    }

    init() {
        engine = Locked(nil)
    }

    /// Sets what the loops' ticks are read from. Before it, there are no loops to watch.
    func watch(_ engine: any HTTPEngine) { self.engine.withLock { $0 = engine } }

    /// Adds a component's counters to the pulse.
    func add(_ server: any HTTPServing) { servers.withLock { $0.append(server) } }

    /// Looks after a component's listeners.
    func watch(_ server: any HTTPServing, _ sockets: RawSocketWatch, of component: String) {
        let listeners = Listeners(component: component) { server.lostListener ?? sockets.lostListener }
        self.listeners.withLock { $0.append(listeners) }
    }

    /// A component that has lost a listener, once.
    func takeLostListener() -> (component: String, listener: String)? {
        listeners.withLock { all in
            for (index, listeners) in all.enumerated() {
                guard let lost = listeners.lost() else { continue }
                all.remove(at: index)
                return (listeners.component, lost)
            }
            return nil
        }
    }

    /// Adds a plugin's metrics to what is reported.
    func add(_ metrics: MetricsExtension) { self.metrics.withLock { $0.append(metrics) } }

    /// Runs a plugin's callback (a timer, finished work) under the watchdog's eyes. [control thread]
    func duringCallback(_ body: () -> Void) {
        callbackBegan.store(MonotonicTime.now, ordering: .relaxed)
        body()
        callbackBegan.store(0, ordering: .relaxed)
    }

    /// What does not turn: an event loop that has not ticked lately, or the control thread, stuck in a callback. nil: all
    /// is well.
    func stall(at now: UInt64) -> Stall? {
        let began = callbackBegan.load(ordering: .relaxed)
        if began != 0, began < now, now - began > Self.patience { return .controlThread }
        guard let engine = engine.withLock({ $0 }) else { return nil }
        let tick = engine.oldestTick
        return tick >= now || now - tick <= Self.patience ? nil : .eventLoop
    }

    /// The pulse to send.
    func pulse(droppedLogLines: UInt64) -> Pulse {
        Pulse(
            listeners: servers.withLock { $0 }.flatMap(\.activity),
            loopLag: engine.withLock { $0 }?.takeMaximumLag() ?? 0,
            droppedLogLines: droppedLogLines)
    }

    /// Sends the pulse, and what changed in the plugins' metrics. While the supervisor does not read, metrics wait.
    func report(over link: SupervisorLink) {
        try? link.report(.pulse(pulse(droppedLogLines: link.droppedLogLines)))
        for metrics in metrics.withLock({ $0 }) {
            guard link.hasRoomForMore, let report = metrics.takeReport() else { continue }
            do throws(ChannelError) {
                try link.report(.metrics(report))
            } catch {
                metrics.reportAgain()
            }
        }
    }
}
