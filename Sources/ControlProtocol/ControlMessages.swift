/// What a command asks of the running supervisor, over the control socket.
public enum ControlRequest: Codable, Equatable, Sendable {
    case status
    /// Reload the configuration and answer with the receipt when it is committed, refused or failed.
    case reload
    /// The receipt of the last reload, or of the start.
    case lastReceipt
}

/// What the supervisor answers.
public enum ControlResponse: Codable, Equatable, Sendable {
    case status(HostStatus)
    case receipt(ReloadReceipt)
    /// A sentence that says why not and what to do.
    case refused(String)
}

/// The state of the host, as `muster status` shows it.
public struct HostStatus: Codable, Equatable, Sendable {
    /// What the host is doing.
    public enum Phase: String, Codable, Equatable, Sendable {
        case starting, running, reloading, probation, stopping
    }

    public var version: String
    public var pid: Int32
    public var phase: Phase
    public var generation: UInt64
    public var configurationPath: String
    /// Whether the file on disk is not what runs: changed since, or started with `--last-good`.
    public var isConfigurationStale: Bool
    public var uptimeSeconds: Double
    public var components: [ComponentStatus]
    /// Where Prometheus finds the metrics: `http://127.0.0.1:9464/metrics`; empty where they are not served.
    public var metricsURLs: [String] = []
    /// What was left out so that it fits a payload of the bus; nil: nothing.
    public var leftOut: [String]?

    public init(
        version: String, pid: Int32, phase: Phase, generation: UInt64, configurationPath: String,
        isConfigurationStale: Bool, uptimeSeconds: Double, components: [ComponentStatus]
    ) {
        self.version = version
        self.pid = pid
        self.phase = phase
        self.generation = generation
        self.configurationPath = configurationPath
        self.isConfigurationStale = isConfigurationStale
        self.uptimeSeconds = uptimeSeconds
        self.components = components
    }
}

/// One component in `HostStatus`.
public struct ComponentStatus: Codable, Equatable, Sendable {
    /// Where its worker stands.
    public enum State: String, Codable, Equatable, Sendable {
        case starting, ready, running, stopping
        /// It ended and will be started again at `nextAttemptSeconds`.
        case retrying
        /// Its configuration is wrong: it waits for a reload.
        case waitingForReload = "waiting for reload"
    }

    public var name: String
    public var state: State
    /// What went wrong last; nil when all is well.
    public var message: String?
    public var pid: Int32?
    public var generation: UInt64
    public var uptimeSeconds: Double?
    /// Until the next start, while `retrying`.
    public var nextAttemptSeconds: Double?
    /// Restarts since the component was added or changed.
    public var restarts: Int
    public var pluginPath: String
    public var pluginVersion: String?
    /// SHA-256 of the loaded code, hexadecimal.
    public var pluginDigest: String
    /// The file at `pluginPath` is not what is loaded: a reload would load it.
    public var isPluginNewerOnDisk: Bool
    /// Resident and processor use of the worker; nil where there is none.
    public var residentBytes: UInt64?
    public var processorSeconds: Double?
    public var listeners: [ListenerStatus]
    /// Older workers that still finish.
    public var draining: [DrainingStatus]
    /// What it has done on the bus; nil where its plugin uses none.
    public var bus: BusActivity?
    /// One of the host's own, which has no plugin.
    public var isBuiltIn = false

    public init(
        name: String, state: State, message: String?, pid: Int32?, generation: UInt64, uptimeSeconds: Double?,
        nextAttemptSeconds: Double?, restarts: Int, pluginPath: String, pluginVersion: String?, pluginDigest: String,
        isPluginNewerOnDisk: Bool, residentBytes: UInt64?, processorSeconds: Double?, listeners: [ListenerStatus],
        draining: [DrainingStatus]
    ) {
        self.name = name
        self.state = state
        self.message = message
        self.pid = pid
        self.generation = generation
        self.uptimeSeconds = uptimeSeconds
        self.nextAttemptSeconds = nextAttemptSeconds
        self.restarts = restarts
        self.pluginPath = pluginPath
        self.pluginVersion = pluginVersion
        self.pluginDigest = pluginDigest
        self.isPluginNewerOnDisk = isPluginNewerOnDisk
        self.residentBytes = residentBytes
        self.processorSeconds = processorSeconds
        self.listeners = listeners
        self.draining = draining
    }
}

/// One listener in `ComponentStatus`.
public struct ListenerStatus: Codable, Equatable, Sendable {
    public var name: String
    public var transport: String
    /// Where it is bound: `[::]:50003`, `127.0.0.1:50003`.
    public var addresses: [String]
    /// Over the last pulse.
    public var requestsPerSecond: Double
    /// Of the worker that serves it, since that was started.
    public var activity: ListenerActivity
    /// Of all workers since the component was added, those that have ended included.
    public var totals: ListenerActivity

    public init(
        name: String, transport: String, addresses: [String], requestsPerSecond: Double, activity: ListenerActivity
    ) {
        self.name = name
        self.transport = transport
        self.addresses = addresses
        self.requestsPerSecond = requestsPerSecond
        self.activity = activity
        totals = activity
    }
}

/// An older worker that still finishes its exchanges.
public struct DrainingStatus: Codable, Equatable, Sendable {
    public var generation: UInt64
    public var pid: Int32
    public var connections: Int
    /// Until it is ended.
    public var remainingSeconds: Double

    public init(generation: UInt64, pid: Int32, connections: Int, remainingSeconds: Double) {
        self.generation = generation
        self.pid = pid
        self.connections = connections
        self.remainingSeconds = remainingSeconds
    }
}

/// What a reload, or the start, came to.
public struct ReloadReceipt: Codable, Equatable, Sendable {
    /// What asked for it.
    public enum Trigger: String, Codable, Equatable, Sendable {
        case start, signal = "SIGHUP", command
    }

    /// How it ended.
    public enum Result: String, Codable, CodingKeyRepresentable, Equatable, Sendable, CaseIterable {
        /// The new generation serves.
        case committed
        /// Nothing of the configuration that runs has changed.
        case unchanged
        /// The configuration is wrong, or a component could not be prepared or activated: the old generation serves.
        case refused
        /// It was committed, then a component crashed too often within its probation: the old configuration serves.
        case rolledBack = "rolled back"
    }

    /// What became of one component.
    public struct Component: Codable, Equatable, Sendable {
        public enum Outcome: String, Codable, Equatable, Sendable {
            case unchanged, restarted, added, removed, failed
            /// The same worker serves on, with another certificate or key.
            case renewed = "certificate replaced"
            /// The same worker serves on, with other rights on the bus.
            case narrowed = "bus settings changed"
        }

        public var name: String
        public var outcome: Outcome
        /// Why: what changed, or what failed.
        public var reason: String?

        public init(name: String, outcome: Outcome, reason: String? = nil) {
            self.name = name
            self.outcome = outcome
            self.reason = reason
        }
    }

    /// The generation it made, or would have made.
    public var generation: UInt64
    public var trigger: Trigger
    public var result: Result
    /// Seconds since 1970.
    public var startedAt: Double
    /// Until committed or refused.
    public var durationSeconds: Double
    public var components: [Component]
    /// Each a whole message for the operator: `config.yaml:12:5: …` with the line and a caret.
    public var diagnostics: [String]
    /// Connections of older generations that were open when it was asked for.
    public var drainingConnections: Int

    public init(
        generation: UInt64, trigger: Trigger, result: Result, startedAt: Double, durationSeconds: Double,
        components: [Component], diagnostics: [String], drainingConnections: Int
    ) {
        self.generation = generation
        self.trigger = trigger
        self.result = result
        self.startedAt = startedAt
        self.durationSeconds = durationSeconds
        self.components = components
        self.diagnostics = diagnostics
        self.drainingConnections = drainingConnections
    }
}
