import ControlProtocol

/// A worker as the machine sees it.
///
/// What may happen in each step (rows) and where it leads. A deadline that passes, the end of the socket and a report
/// that does not fit the step all end the worker; death removes it from any step.
///
/// | step        | waits for         | next                          | when the deadline passes      |
/// |-------------|-------------------|-------------------------------|-------------------------------|
/// | loading     | loaded            | loaded                        | killed                        |
/// | loaded      | the other units   | preparing, stopping           | –                             |
/// | preparing   | ready             | ready                         | killed                        |
/// | ready       | the other units   | activating, stopping          | –                             |
/// | activating  | activated         | active                        | killed                        |
/// | active      | pulses            | quiescing                     | aborting (the watchdog)       |
/// | quiescing   | released          | released                      | killed                        |
/// | released    | the newer workers | draining, activating          | –                             |
/// | draining    | drained           | stopping                      | terminating                   |
/// | stopping    | death             |                               | killed                        |
/// | terminating | death (SIGTERM)   |                               | killed                        |
/// | aborting    | death (SIGABRT)   |                               | killed                        |
/// | killed      | death (SIGKILL)   |                               | a remark in the log           |
struct Worker: Sendable {
    enum Step: String, Sendable {
        case loading, loaded, preparing, ready, activating, active, quiescing, released, draining
        case stopping, terminating, aborting, killed

        /// It was told to end and nothing else can come of it.
        var isEnding: Bool {
            switch self {
            case .stopping, .terminating, .aborting, .killed: true
            default: false
            }
        }

        /// It may be accepting connections.
        var isAccepting: Bool { self == .active || self == .activating || self == .quiescing }
    }

    /// What it is to its unit.
    enum Role: Sendable {
        /// It serves the unit, or is being started to.
        case current
        /// A reload is preparing it.
        case candidate
        /// An older one that finishes, or one that is not wanted.
        case leaving
    }

    let id: WorkerID
    let unit: String
    /// What it was started for; `resolved` is filled in where it was not known yet.
    var plan: UnitPlan
    let generation: UInt64
    let proposal: UInt64
    var role: Role
    var step: Step = .loading
    /// When the step has taken too long; nil where it may take any time.
    var deadline: Instant?
    var startedAt: Instant
    /// It has said READY once.
    var wasReady = false
    var activeSince: Instant?
    var pid: Int32?
    var failure: Failure?
    /// Its control socket ended: the reason, should its death not give a better one.
    var suspicion: Failure?
    /// The plugin's function that was called last and has not come back yet, as far as is known.
    var call: Call?
    /// What does not turn in it, where it has said so since its last pulse.
    var stall: Stall?
    /// The last two signs of life, for rates.
    var pulse: Pulse?
    var pulseAt: Instant = 0
    var formerPulse: Pulse?
    var formerPulseAt: Instant = 0
    /// The step in which its socket ended by itself: it has crashed, most likely.
    var brokeOffIn: Step?
    /// Drain was asked for: when it has to be over.
    var drainDeadline: Instant?

    /// A function of a plugin.
    struct Call: Equatable, Sendable {
        var component: String
        var stage: WorkerFailure.Stage
    }

    /// Why it ends, where that is known before it is dead.
    struct Failure: Equatable, Sendable {
        /// One sentence.
        var reason: String
        /// Each a whole message for the operator.
        var diagnostics: [String]
        var isConfiguration: Bool
        /// The plugin is at fault, whatever the configuration says: it cannot be loaded or created, or did not come back
        /// from a call.
        var isPluginsFault: Bool

        init(
            _ reason: String, diagnostics: [String] = [], isConfiguration: Bool = false, isPluginsFault: Bool = false
        ) {
            self.reason = reason
            self.diagnostics = diagnostics.isEmpty ? [reason] : diagnostics
            self.isConfiguration = isConfiguration
            self.isPluginsFault = isPluginsFault
        }

        /// The operator has to mend the configuration, and is there to do it at a start.
        var stopsAStart: Bool { isConfiguration && !isPluginsFault }

        var diagnostic: String { diagnostics.joined(separator: "\n") }
    }

    /// The step in which it came to its end without having been told to.
    var unforeseenEnd: Step? {
        let last = brokeOffIn ?? step
        return last.isEnding ? nil : last
    }

    /// Connections that were open at the last pulse.
    var connections: Int { (pulse?.listeners ?? []).reduce(0) { $0 + $1.connections } }
}

/// One unit of what runs: its plan, and how its worker fares.
struct Unit: Sendable {
    var plan: UnitPlan
    var generation: UInt64
    var proposal: UInt64
    /// The worker of role `current`; nil while there is none.
    var worker: WorkerID?
    var backoff = Backoff()
    /// When it is started again.
    var retryAt: Instant?
    /// Its configuration is wrong: only a reload starts it again.
    var isWaiting = false
    var restarts = 0
    var condition = Condition.fine

    /// What was last said about it in the log, so that the same is not said twice.
    enum Condition: Equatable, Sendable {
        case fine
        /// It died and is restarted at once.
        case restarting(String)
        /// It dies again and again.
        case pausing(String)
        /// It does not become ready.
        case failing(String)
        case waiting(String)

        var reason: String? {
            switch self {
            case .fine: nil
            case .restarting(let reason), .pausing(let reason), .failing(let reason), .waiting(let reason): reason
            }
        }
    }

    /// Its worker serves, or is on its way to.
    var isFaring: Bool { worker != nil && !isWaiting }
}
