/// Where one client is with one job, as the server knows it: what `AssignmentMachine` steps from and to.
public struct AssignmentStanding: Hashable, Sendable {
    public var state: AssignmentState
    /// How often it was handed out.
    public var attempt: Int
    /// Of the newest report within the attempt.
    public var sequence: Int
    /// Until when the client is believed to have it; nil unless it is leased.
    public var leaseUntil: Timestamp?
    public var isCancelRequested: Bool
    /// When it came into its state.
    public var since: Timestamp
    /// Why it failed, was cancelled or expired.
    public var reason: String

    public init(
        state: AssignmentState = .queued, attempt: Int = 0, sequence: Int = 0, leaseUntil: Timestamp? = nil,
        isCancelRequested: Bool = false, since: Timestamp, reason: String = ""
    ) {
        self.state = state
        self.attempt = attempt
        self.sequence = sequence
        self.leaseUntil = leaseUntil
        self.isCancelRequested = isCancelRequested
        self.since = since
        self.reason = reason
    }
}

/// What can happen to an assignment.
public enum AssignmentEvent: Hashable, Sendable {
    /// It is handed to the client.
    case offer
    /// The client says that it has it, or how far it is.
    case report(ProgressReport.Stage, attempt: Int, sequence: Int)
    /// The client lists it among what it holds.
    case held
    /// The client's list of what it holds is without it: an offer did not arrive, or the machine was set up anew.
    case lost
    /// The client reports how it ended.
    case finish(Outcome.End, reason: String)
    /// An administrator wants no more of it.
    case cancel(reason: String)
    /// The client was not heard of for the length of a lease.
    case leaseExpired
    /// The job's deadline has passed.
    case deadline
    /// The client is no more in the fleet.
    case removed(reason: String)
}

/// What an event came to.
public enum AssignmentEffect: Hashable, Sendable {
    /// Nothing that others need to know; the standing may still be another (a lease that was extended).
    case none
    /// The state is another.
    case moved
    /// An end was asked for; the client has to be told.
    case cancelAsked
    /// A result came first after the assignment had ended without one: it is kept, and changes no state.
    case late
}

/// The life of an assignment, as a pure function of its standing and an event.
///
///               ┌───────────────── lease expired, lost ────────────────┐
///               ▼                                                      │
///            queued ──offer──► offered ──report──► accepted ──report──► running
///               │                 │                   │                 │
///               └─────────────────┴──── finish ───────┴─────────────────┴──► succeeded | failed | cancelled
///     deadline, in any of them: expired          removed: failed
///
/// - A terminal state is never left.
/// - Cancelling wins over queued work at once. Leased work is only asked to end: what the client reports then is the
///   truth, success included. If it never answers, the lease ends it.
/// - A lease that ends makes the assignment queued again, so that it is offered again. A client that still has it says so
///   with its next word, and nothing is done twice: clients know by the job's id what they have done.
/// - Every path ends, since the deadline ends every state that is not terminal.
public enum AssignmentMachine {
    /// - Parameter lease: how long the client is believed to have it without a word.
    public static func step(
        _ standing: AssignmentStanding, _ event: AssignmentEvent, at now: Timestamp, lease: Duration
    ) -> (standing: AssignmentStanding, effect: AssignmentEffect) {
        var next = standing
        guard !standing.state.isTerminal else { return (standing, afterEnd(standing, event)) }
        switch event {
        case .offer:
            next.attempt += 1
            next.sequence = 0
            next.leaseUntil = now + lease
            next.move(to: .offered, at: now)
        case .report(let stage, let attempt, let sequence):
            next.leaseUntil = now + lease
            // Numbers are the client's word: one that was never handed out is taken for the newest.
            let attempt = min(attempt, standing.attempt)
            let isNewer = (attempt, sequence) > (standing.attempt, standing.sequence)
            if isNewer || standing.state == .queued {
                next.sequence = sequence
                next.move(to: stage == .running ? .running : .accepted, at: now)
            }
        case .held:
            next.leaseUntil = now + lease
            // Its lease had ended, but the client has it.
            if !standing.state.isLeased { next.move(to: .accepted, at: now) }
        case .lost, .leaseExpired:
            guard standing.state.isLeased else { break }
            next.leaseUntil = nil
            if standing.isCancelRequested {
                next.move(to: .cancelled, at: now)
            } else {
                next.move(to: .queued, at: now)
            }
        case .finish(let end, let reason):
            next.end(end.state, reason, at: now)
        case .cancel(let reason):
            guard standing.state.isLeased else {
                next.end(.cancelled, reason, at: now)
                break
            }
            next.isCancelRequested = true
            next.reason = reason
            return (next, standing.isCancelRequested ? .none : .cancelAsked)
        case .deadline:
            next.end(.expired, "the deadline passed before there was a result", at: now)
        case .removed(let reason):
            next.end(.failed, reason, at: now)
        }
        return (next, next.state == standing.state ? .none : .moved)
    }

    private static func afterEnd(_ standing: AssignmentStanding, _ event: AssignmentEvent) -> AssignmentEffect {
        guard case .finish(let end, _) = event, end.state != standing.state else { return .none }
        return .late
    }
}

extension AssignmentStanding {
    fileprivate mutating func move(to state: AssignmentState, at now: Timestamp) {
        guard state != self.state else { return }
        self.state = state
        since = now
    }

    fileprivate mutating func end(_ state: AssignmentState, _ reason: String, at now: Timestamp) {
        move(to: state, at: now)
        leaseUntil = nil
        self.reason = state == .succeeded ? "" : reason
    }
}

extension Outcome.End {
    public var state: AssignmentState {
        switch self {
        case .succeeded: .succeeded
        case .failed: .failed
        case .cancelled: .cancelled
        }
    }
}
