import ControlProtocol

/// A reload under way. Serial: there is never more than one. The start is a reload from nothing.
///
///     reading ─► waitingForDrains ─► loading ─► resolving ─► preparing ─► quiescing ─► activating ─► committed
///        │                              └──────────┴─────────────┴─► refused                │
///        └─► refused, unchanged                                   retracting ◄──────────────┘
///                                                                     └─► reactivating ─► refused
///
/// Until `quiescing` nothing of what runs is touched. A component that could not run before the reload either (and all
/// of them at the start) may fail without refusing it.
struct Transaction: Sendable {
    enum Kind: Equatable, Sendable {
        case start
        case reload
        /// Back to the former configuration, because this unit of this generation could not run.
        case rollback(reason: String, unit: String, generation: UInt64)
        /// Prepare everything, then end it again.
        case check
    }

    enum Phase: Equatable, Sendable {
        case reading, waitingForDrains, loading, resolving, preparing, quiescing, activating
        /// Activation failed: the newer workers give up what they took.
        case retracting
        /// The older workers take it back.
        case reactivating
    }

    var kind: Kind
    var trigger: ReloadReceipt.Trigger
    var clients: [ClientID]
    /// Seconds since 1970.
    var startedAt: Double
    var began: Instant
    /// The components that ran when it began.
    var formerComponents: Set<String>
    var phase = Phase.reading
    var proposal: Proposal?
    /// The generation it makes.
    var generation: UInt64 = 0
    /// A worker for each unit that is started anew.
    var candidates: [String: WorkerID] = [:]
    /// Units whose failure does not refuse the reload.
    var tolerated: Set<String> = []
    var failures: [String: Worker.Failure] = [:]
    /// Candidates that are gone.
    var dead: [String: Worker] = [:]
    /// Why each candidate is started.
    var reasons: [String: String] = [:]
    /// Units as they are to be, of the candidates.
    var plans: [String: UnitPlan] = [:]
    /// Units that go on with other credentials.
    var renewed: Set<String> = []
    /// Components that go on with other rights on the bus.
    var narrowed: Set<String> = []
    /// Workers that serve now what this reload changes or removes.
    var olds: [WorkerID] = []
    /// What released workers wrote, by component.
    var states: [String: [UInt8]] = [:]
    /// Times at which units without a worker would have been tried again, to go back to.
    var heldRetries: [String: Instant] = [:]
    /// That it waits for older workers to end has been said.
    var saidWaiting = false

    /// Once it is past preparing, the older workers are being touched.
    var isCommitting: Bool {
        switch phase {
        case .quiescing, .activating, .retracting, .reactivating: true
        case .reading, .waitingForDrains, .loading, .resolving, .preparing: false
        }
    }

    /// Whether a failure refuses it. At the start that is a wrong configuration alone, and only until it commits.
    var isRefused: Bool {
        failures.contains { unit, failure in
            !tolerated.contains(unit) || (isStart && failure.stopsAStart && !isCommitting)
        }
    }

    var isStart: Bool { kind == .start || kind == .check }
}

/// Reloads that were asked for and wait for their turn: all together are one.
struct PendingReload: Sendable {
    var trigger: ReloadReceipt.Trigger
    var clients: [ClientID]
    var startedAt: Double
    var notBefore: Instant
}

/// After a commit, the time in which a component that dies too often takes it back.
struct Probation: Sendable {
    var previous: Proposal
    var units: Set<String>
    var until: Instant
    var receipt: ReloadReceipt
}
