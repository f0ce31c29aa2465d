internal import ControlProtocol
internal import FoundationEssentials
internal import Glibc

/// The components of one worker on their way from load to exit, as the supervisor commands. Lives on the control thread,
/// which is the process's main thread; everything else posts to its queue.
///
///     load ─► prepare ─► ready ─► activate ─► active ─► quiesce ─► released ─► drain ─► drained ─► stop ─► exit
///                                   ▲                                 │
///                                   └─────────────────────────────────┘
final class Worker {
    /// How the process ends: what the supervisor reads from the exit status.
    enum Exit: Int32 {
        case done = 0
        case failure = 1
        /// The operator must change something (EX_CONFIG of sysexits.h).
        case configuration = 78
    }

    let plan: WorkerPlan
    let link: SupervisorLink
    let queue: ControlQueue
    let vitals: WorkerVitals
    let engine: any HTTPEngine
    let thread = ControlThread()
    let loadLibrary: LoadLibrary
    var libraries: [String: PluginLibrary] = [:]
    /// The endpoint of the metrics worker.
    var metricsEndpoint: MetricsEndpoint?
    var components: [ComponentRuntime] = []
    /// Events that came while a plugin's prepare waited for a listener.
    var deferred: [ControlEvent] = []
    var drain: Drain?
    /// Nobody commands any more: after the drain the process ends by itself.
    var endsAfterDrain = false

    /// A drain under way.
    struct Drain {
        /// Tells its end from that of an earlier one.
        var number: Int
        /// CLOCK_MONOTONIC, nanoseconds.
        var deadline: UInt64
        var isDone = false
    }

    /// Loads the plugin of a path: `PluginLibrary` itself, but for tests.
    typealias LoadLibrary = (_ path: String) throws(PluginProblem) -> PluginLibrary

    /// To be made on the control thread.
    init(
        _ plan: WorkerPlan, link: SupervisorLink, queue: ControlQueue, vitals: WorkerVitals, engine: any HTTPEngine,
        loadLibrary: @escaping LoadLibrary = { path throws(PluginProblem) in try PluginLibrary(path: path) }
    ) {
        self.loadLibrary = loadLibrary
        self.plan = plan
        self.link = link
        self.queue = queue
        self.vitals = vitals
        self.engine = engine
    }

    /// Loads the plugins and obeys until the end.
    func run() -> Exit {
        do throws(WorkerFailure) {
            try load()
        } catch {
            return fail(error)
        }
        while true {
            let event = deferred.isEmpty ? queue.next(until: nextDeadline) : deferred.removeFirst()
            if let exit = event.flatMap(handle) { return exit }
            runCallbacks()
            if let exit = endOverdueDrain() { return exit }
        }
    }

    /// Deals with one event; a value ends the process.
    private func handle(_ event: ControlEvent) -> Exit? {
        do throws(WorkerFailure) {
            switch event {
            case .command(.stop, _): return end()
            case .command(.helperStarted, _), .command(.helperFailed, _), .command(.helperEnded, _):
                _ = tellOfHelper(event)
            case .command(let command, _): try obey(command)
            case .supervisorGone:
                giveUpHelpers()
                return endByItself()
            case .terminate: return endByItself()
            case .componentFailed(let component, let reason):
                throw WorkerFailure(component: component, stage: .run, message: reason)
            case .drained(let number): return finishDrain(number)
            }
            return nil
        } catch {
            return fail(error)
        }
    }

    private func obey(_ command: WorkerCommand) throws(WorkerFailure) {
        switch command {
        case .prepare(let plans):
            try prepare(plans)
            try report(.ready)
        case .activate(let states): try activate(states)
        case .quiesce(let deadline): try report(.released(try quiesce(deadline: deadline)))
        case .drain(let deadline): beginDrain(deadline: deadline)
        case .credentials(let component, let listener, let credentials):
            replaceCredentials(of: listener, component, with: credentials)
        case .snapshot(let number, let snapshot): metricsEndpoint?.take(snapshot, number: number)
        case .load, .stop:
            throw WorkerFailure(component: nil, stage: .run, message: "the supervisor asked to load a second time")
        case .bus(let component, let command): take(command, of: component)
        case .helperStarted, .helperFailed, .helperEnded: return
        case .listenerGranted, .listenerRefused:
            // The answer to a request whose prepare has been given up; the descriptors are closed with the event.
            return
        }
    }

    /// Something from the bus; its place in the queue is free from now on.
    private func take(_ command: BusCommand, of name: String) {
        queue.bus.leave(command, of: name)
        guard let component = components.first(where: { $0.name == name }) else { return }
        component.extensions.bus.take(command, isActive: component.state == .active, vitals.duringCallback)
    }

    private func replaceCredentials(of listener: String, _ component: String, with credentials: TLSCredentials) {
        do throws(ListenerRefusal) {
            try components.first { $0.name == component }?.extensions.http.replaceCredentials(
                of: listener, with: credentials)
        } catch {
            log(.error, "\(error.reason) It goes on with the certificate it has.", component: component)
        }
    }

    // MARK: Time

    /// When the control thread has to look again.
    private var nextDeadline: UInt64 {
        var next = components.compactMap(\.extensions.timers.nextDeadline).min() ?? .max
        if let drain, !drain.isDone {
            next = min(next, drain.deadline, components.compactMap(\.extensions.bus.nextDeadline).min() ?? .max)
        }
        return next
    }

    private func runCallbacks() {
        for component in components {
            component.extensions.timers.fireDue(vitals.duringCallback)
            component.extensions.work.deliver(vitals.duringCallback)
            component.extensions.bus.deliver(vitals.duringCallback)
        }
    }

    // MARK: Reporting

    /// - Throws: where the report does not fit a frame.
    func report(_ report: WorkerReport) throws(WorkerFailure) {
        do throws(ChannelError) {
            try link.report(report)
        } catch {
            throw WorkerFailure(component: nil, stage: .run, message: "the worker cannot answer: \(error)")
        }
    }

    /// Says why, ends every component in good order and gives the exit status.
    func fail(_ failure: WorkerFailure) -> Exit {
        try? link.report(.failed(failure))
        _ = end()
        return failure.isConfiguration ? .configuration : .failure
    }

    func log(_ level: LogLevel, _ message: String, component: String) {
        guard level >= plan.logLevel else { return }
        link.log(LogRecord(component: component, level: level, message: message))
    }
}
