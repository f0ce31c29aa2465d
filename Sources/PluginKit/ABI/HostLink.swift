import MusterABI
import Locks
import Synchronization

/// The host's tables as one component sees them, checked once, with every function pointer it may call.
///
/// A link is never freed: an `Exchange` is two words without an owner, and code that kept one beyond the component's end
/// must find a closed link rather than freed memory. A worker makes one per component, a few hundred bytes.
final class HostLink: @unchecked Sendable {
    // Unchecked: the tables are the host's, constant until destroy returns, and its functions are callable from any
    // thread; `phase` keeps every call from being made after that. All else is `let` or guarded by itself.

    /// How much of the host may still be called.
    enum Phase: UInt8, AtomicRepresentable {
        case open
        /// stop has returned: only log.
        case stopped
        /// destroy has begun: nothing.
        case destroyed
    }

    let host: HostFunctions
    let server: ServerFunctions?
    let timer: TimerFunctions?
    let work: WorkFunctions?
    let bus: BusFunctions?
    let process: ProcessFunctions?
    let stateDirectory: StateFunctions?
    let listener: ListenerFunctions?
    let metrics: MetricsFunctions?
    /// Not looked at before it is wanted: the host loads what the extension needs when it is asked.
    private let client = Locked<ClientFunctions??>(nil)
    /// Those who wait for room to write.
    let writers = WritersWaiting()
    /// The tasks of `async` handlers.
    let tasks = TasksUnderWay()
    private let phase = Atomic(Phase.open)
    /// What the host calls for requests and raw listeners; it holds their addresses until destroy returns.
    private let handlers = Locked<[any AnyObject & Sendable]>([])

    /// Throws where the host's table cannot be used; a missing extension is only missing.
    init(_ table: UnsafePointer<muster_host>?) throws(PluginError) {
        guard let table, isUsable(table, size: MUSTER_HOST_SIZE_1_0), let host = HostFunctions(table) else {
            throw PluginError("The host handed over a table that is not one of ABI \(MUSTER_ABI_MAJOR).")
        }
        self.host = host
        server = host.extensionTable(MUSTER_EXT_HTTP_SERVER, muster_http_server.self, MUSTER_HTTP_SERVER_SIZE_1_0)
            .flatMap(ServerFunctions.init)
        timer = host.extensionTable(MUSTER_EXT_TIMER, muster_timer.self, MUSTER_TIMER_SIZE_1_0)
            .flatMap(TimerFunctions.init)
        work = host.extensionTable(MUSTER_EXT_WORK, muster_work.self, MUSTER_WORK_SIZE_1_0)
            .flatMap(WorkFunctions.init)
        bus = host.extensionTable(MUSTER_EXT_BUS, muster_bus.self, MUSTER_BUS_SIZE_1_0)
            .flatMap(BusFunctions.init)
        process = host.extensionTable(MUSTER_EXT_PROCESS, muster_process.self, MUSTER_PROCESS_SIZE_1_0)
            .flatMap(ProcessFunctions.init)
        stateDirectory = host.extensionTable(MUSTER_EXT_STATE, muster_state.self, MUSTER_STATE_SIZE_1_0)
            .flatMap(StateFunctions.init)
        listener = host.extensionTable(MUSTER_EXT_LISTENER, muster_listener.self, MUSTER_LISTENER_SIZE_1_0)
            .flatMap(ListenerFunctions.init)
        metrics = host.extensionTable(MUSTER_EXT_METRICS, muster_metrics.self, MUSTER_METRICS_SIZE_1_0)
            .flatMap(MetricsFunctions.init)
        _ = Unmanaged.passRetained(self)
    }

    /// `muster.http-client/1`; nil where the host lacks it.
    var httpClient: ClientFunctions? {
        if let known = client.withLock({ $0 }) { return known }
        let found = host.extensionTable(
            MUSTER_EXT_HTTP_CLIENT, muster_http_client.self, MUSTER_HTTP_CLIENT_SIZE_1_0
        ).flatMap(ClientFunctions.init)
        // Whoever asks at the same time finds the same.
        client.withLock { $0 = .some(found) }
        return found
    }

    var isOpen: Bool { phase.load(ordering: .relaxed) == .open }
    var canLog: Bool { phase.load(ordering: .relaxed) != .destroyed }

    func enter(_ next: Phase) { phase.store(next, ordering: .sequentiallyConsistent) }

    /// Keeps `handler` until `close`.
    func keep(_ handler: some AnyObject & Sendable) { handlers.withLock { $0.append(handler) } }

    /// The component is destroyed: nothing of the host's is called any more, and nothing of the plugin's is held.
    func close() {
        enter(.destroyed)
        let handlers = handlers.withLock { handlers in
            defer { handlers = [] }
            return handlers
        }
        // Freed here, outside of the lock: a plugin's deinit may do anything.
        _ = consume handlers
    }
}
