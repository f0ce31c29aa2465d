public import FoundationEssentials
public import PluginManifest

/// What the supervisor tells a worker.
///
///     load ─► (loaded) ─► prepare ─► (listenerRequest ⇄ listenerGranted)* ─► (ready) ─► activate ─► (activated)
///          ─► quiesce ─► (released) ─► drain ─► (drained) ─► stop
///
/// In parentheses what the worker answers (`WorkerReport`). After `released`, `activate` may come again instead of
/// `drain`: the newer generation failed. `stop` may come at any time. The end of the socket means drain and exit.
public enum WorkerCommand: Codable, Equatable, Sendable {
    /// The first frame: who to be, and which plugins to load.
    case load(WorkerPlan)
    /// Create and prepare every component with its checked options.
    case prepare([ComponentPlan])
    /// The answer to `listenerRequest`: one descriptor travels with the frame for each address, in this order.
    /// `credentials` are there where the listener is https.
    case listenerGranted(component: String, listener: String, addresses: [String], credentials: TLSCredentials?)
    /// The answer to `listenerRequest`: a sentence for the operator.
    case listenerRefused(component: String, listener: String, reason: String)
    /// New connections of this https listener are served with these from now on. At any time after it was granted; no
    /// answer.
    case credentials(component: String, listener: String, TLSCredentials)
    /// The answer to `helperRequest`: the helper runs, and one descriptor, the component's end of its socket, travels
    /// with the frame. At any time until `stop` is done, as are the next two.
    case helperStarted(component: String, number: UInt64)
    /// The other answer: a sentence for the operator. Nothing follows.
    case helperFailed(component: String, number: UInt64, reason: String)
    /// A helper that was started has ended. Nothing follows.
    case helperEnded(component: String, number: UInt64, HelperEnding)
    /// Activate with the state that the former generation released, by component, and accept.
    case activate([String: Data])
    /// Accept no more, quiesce, release, and answer `released`. CLOCK_MONOTONIC, nanoseconds.
    case quiesce(deadline: UInt64)
    /// Finish what is under way, closing each connection after its next answer. CLOCK_MONOTONIC, nanoseconds.
    case drain(deadline: UInt64)
    /// Something for a component from the bus. Messages and requests come between `activated` and `quiesce` alone.
    case bus(component: String, BusCommand)
    /// The answer to `snapshotRequest` of that number.
    case snapshot(number: UInt64, MetricsSnapshot)
    /// Stop and destroy every component, and exit 0.
    case stop
}

/// What a worker tells the supervisor.
public enum WorkerReport: Codable, Equatable, Sendable {
    /// Every plugin is loaded and its manifest read, in the order of the plan.
    case loaded([Manifest])
    /// A component in prepare asks for a listener of its manifest.
    case listenerRequest(component: String, listener: String)
    /// A component asks for a helper of its manifest, at any time.
    case helperRequest(HelperRequest)
    /// A helper is to end: SIGTERM now, SIGKILL after `grace`, nanoseconds; 0: SIGKILL now. No answer but its end.
    case helperEnd(component: String, number: UInt64, grace: UInt64)
    /// Every component is prepared.
    case ready
    case activated
    /// Everything exclusive is given up; the state of each component that wrote one.
    case released([String: Data])
    /// No exchange is under way any more.
    case drained
    /// A step failed, or a component says it cannot go on. The worker exits by itself unless the stage is `activate`.
    case failed(WorkerFailure)
    /// Once a second while every event loop turns and the control thread is not late: alive, and how busy.
    case pulse(Pulse)
    /// Once a second where there is any: what changed in the metrics of one component.
    case metrics(MetricsReport)
    /// The built-in metrics worker alone asks for everything that is to be exposed.
    case snapshotRequest(number: UInt64)
    case log(LogRecord)
    /// Something of a component's for the bus, from `activate` on.
    case bus(component: String, BusReport)
    /// A function of the plugin's is about to be called: should nothing come after it, that is where the plugin is, or
    /// where it took the process with it. Nobody answers it.
    case calling(component: String, WorkerFailure.Stage)
    /// Instead of a pulse, each second: why there is none.
    case stalled(Stall)
}

/// What of a worker does not turn any more.
public enum Stall: String, Codable, Equatable, Sendable {
    /// An event loop: a handler that does not return.
    case eventLoop
    /// The control thread: a timer, or what follows finished work, that does not return.
    case controlThread
}

/// Who a worker is to be and what it loads: all it learns before it drops its privileges.
public struct WorkerPlan: Codable, Equatable, Sendable {
    /// One plugin to load.
    public struct Plugin: Codable, Equatable, Sendable {
        public var component: String
        /// The immutable copy's absolute path; empty for one of the host's own.
        public var path: String
        /// The component's own directory, existing, owned by the worker's user.
        public var stateDirectory: String
        /// The component is one of the host's own, and there is nothing to load.
        public var builtIn: BuiltInComponent?

        public init(component: String, path: String, stateDirectory: String, builtIn: BuiltInComponent? = nil) {
            self.component = component
            self.path = path
            self.stateDirectory = stateDirectory
            self.builtIn = builtIn
        }
    }

    /// The process name: the component's, or `shared`.
    public var name: String
    public var generation: UInt64
    public var plugins: [Plugin]
    public var privileges: Privileges
    /// Event loops; 0: one a core.
    public var loopCount: Int
    public var logLevel: LogLevel
    /// Allows core dumps and backtraces.
    public var isDebugging: Bool

    public init(
        name: String, generation: UInt64, plugins: [Plugin], privileges: Privileges, loopCount: Int, logLevel: LogLevel,
        isDebugging: Bool
    ) {
        self.name = name
        self.generation = generation
        self.plugins = plugins
        self.privileges = privileges
        self.loopCount = loopCount
        self.logLevel = logLevel
        self.isDebugging = isDebugging
    }
}

/// Who a worker runs as.
public struct Privileges: Codable, Equatable, Sendable {
    /// nil: stay the user the supervisor is (it was not started as root).
    public var userID: UInt32?
    public var groupID: UInt32?
    public var supplementaryGroupIDs: [UInt32]
    /// Capabilities to keep, by name: `CAP_DAC_READ_SEARCH`.
    public var capabilities: [String]

    public init(
        userID: UInt32? = nil, groupID: UInt32? = nil, supplementaryGroupIDs: [UInt32] = [], capabilities: [String] = []
    ) {
        self.userID = userID
        self.groupID = groupID
        self.supplementaryGroupIDs = supplementaryGroupIDs
        self.capabilities = capabilities
    }
}

/// What a component is prepared with.
public struct ComponentPlan: Codable, Equatable, Sendable {
    public var component: String
    /// Every option that has a value, defaults filled in, by dotted name.
    public var options: [String: OptionValue]
    public var listeners: [ListenerPlan]
    public var bus: BusPlan

    public init(
        component: String, options: [String: OptionValue], listeners: [ListenerPlan], bus: BusPlan = BusPlan()
    ) {
        self.component = component
        self.options = options
        self.listeners = listeners
        self.bus = bus
    }
}

/// A listener as configured: the manifest's declaration with the operator's `listen` settings applied.
public struct ListenerPlan: Codable, Equatable, Sendable {
    public var name: String
    public var transport: Transport
    public var clientCertificate: ClientCertificatePolicy
    /// Above it, a new connection waits in the backlog.
    public var maxConnections: Int
    /// Patterns of SAN URIs, of which a client's certificate must match one; a `*` at the end stands for any rest.
    /// Empty: every client that may connect may ask.
    public var allowedClients: [String] = []
    /// The operator's limits; nil leaves the plugin's or the host's. Bytes and nanoseconds.
    public var headBytes: Int?
    public var headerCount: Int?
    public var bodyBytes: Int64?
    public var idleTimeout: Int64?
    public var headTimeout: Int64?
    public var stallTimeout: Int64?
    public var answerTimeout: Int64?

    public init(name: String, transport: Transport, clientCertificate: ClientCertificatePolicy, maxConnections: Int) {
        self.name = name
        self.transport = transport
        self.clientCertificate = clientCertificate
        self.maxConnections = maxConnections
    }
}

/// Why a worker could not do a step.
public struct WorkerFailure: Codable, Equatable, Sendable, Error {
    /// The step that failed, in the lifecycle's words.
    public enum Stage: String, Codable, Equatable, Sendable {
        case privileges, load, create, prepare, activate, quiesce, release, run
        case stop, destroy
    }

    /// nil where it concerns the whole worker.
    public var component: String?
    public var stage: Stage
    /// What happened and what to do, for the operator.
    public var message: String
    /// The option to blame, by dotted name: the supervisor adds file, line and column.
    public var option: String?
    /// The operator must change something: wait for a reload rather than try again.
    public var isConfiguration: Bool

    public init(
        component: String?, stage: Stage, message: String, option: String? = nil, isConfiguration: Bool = false
    ) {
        self.component = component
        self.stage = stage
        self.message = message
        self.option = option
        self.isConfiguration = isConfiguration
    }
}

/// A worker's sign of life, with its counters.
public struct Pulse: Codable, Equatable, Sendable {
    public var listeners: [ListenerActivity]
    /// The longest an event loop was late in the last second, nanoseconds.
    public var loopLag: UInt64
    /// Log lines dropped since the start because the socket was full.
    public var droppedLogLines: UInt64

    public init(listeners: [ListenerActivity], loopLag: UInt64, droppedLogLines: UInt64) {
        self.listeners = listeners
        self.loopLag = loopLag
        self.droppedLogLines = droppedLogLines
    }
}

/// What a listener has done since its worker started, and has open now.
public struct ListenerActivity: Codable, Equatable, Sendable {
    public var component: String
    public var listener: String
    /// Open now.
    public var connections: Int
    /// Exchanges under way now.
    public var exchanges: Int
    /// Since the worker's start:
    public var acceptedConnections: UInt64
    public var requests: UInt64
    /// Answers by status class: index 0 is 1xx, 4 is 5xx.
    public var responsesByClass: [UInt64]
    public var receivedBytes: UInt64
    public var sentBytes: UInt64
    /// TLS: handshakes with a certificate, those that took up a former session, and those that came to nothing.
    public var fullHandshakes: UInt64
    public var resumedHandshakes: UInt64
    public var failedHandshakes: UInt64
    public var durations: RequestDurations

    public init(component: String, listener: String) {
        self.component = component
        self.listener = listener
        connections = 0
        exchanges = 0
        acceptedConnections = 0
        requests = 0
        responsesByClass = [0, 0, 0, 0, 0]
        receivedBytes = 0
        sentBytes = 0
        fullHandshakes = 0
        resumedHandshakes = 0
        failedHandshakes = 0
        durations = RequestDurations()
    }
}

/// How much a log line matters; the names and the order are swift-log's.
public enum LogLevel: String, Codable, Equatable, Sendable, CaseIterable, Comparable {
    case trace, debug, info, notice, warning, error, critical

    /// The value of `MUSTER_LOG_…`.
    public var severity: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    public static func < (left: Self, right: Self) -> Bool { left.severity < right.severity }
}

/// A log line of a component; the supervisor adds the generation.
public struct LogRecord: Codable, Equatable, Sendable {
    /// One key and value.
    public struct Field: Codable, Equatable, Sendable {
        public var key: String
        public var value: String

        public init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    public var component: String
    public var level: LogLevel
    public var message: String
    public var fields: [Field]

    public init(component: String, level: LogLevel, message: String, fields: [Field] = []) {
        self.component = component
        self.level = level
        self.message = message
        self.fields = fields
    }
}
