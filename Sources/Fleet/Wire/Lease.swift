// What a client says to ClientService on :50000 about jobs, and what it hears.

/// `POST /v1/jobs/lease`: is there anything to do? Held open for `waitSeconds`; one at a time for a client, a newer one
/// ends the older.
public struct LeaseRequest: Codable, Hashable, Sendable {
    /// Which start of the client's component asks: two at once are two machines with one identity.
    public var instance: String
    /// Jobs that the client has on disk and that have not reached their end at the server, as far as it knows: what the
    /// server believes to be there and is not in the list was lost, and is offered again.
    public var held: [JobID]
    /// 0 to 300.
    public var waitSeconds: Int

    public init(instance: String, held: [JobID], waitSeconds: Int) {
        self.instance = instance
        self.held = held
        self.waitSeconds = waitSeconds
    }
}

/// 200; where there is nothing to say, 204 without a body, and the client asks again at once.
public struct LeaseAnswer: Codable, Hashable, Sendable {
    public var offers: [Offer]
    /// Held jobs that shall end.
    public var cancels: [JobID]
    /// Held jobs that the server does not know, or knows to have ended: the client forgets them.
    public var forget: [JobID]
    public var time: Timestamp

    public init(offers: [Offer] = [], cancels: [JobID] = [], forget: [JobID] = [], time: Timestamp) {
        self.offers = offers
        self.cancels = cancels
        self.forget = forget
        self.time = time
    }
}

/// One job for one client. It may be offered more than once; it is carried out once.
public struct Offer: Codable, Hashable, Sendable {
    public var job: JobID
    public var kind: String
    public var parameters: JSONValue
    /// From 1; grows with each offer.
    public var attempt: Int
    public var deadline: Timestamp
    /// Seconds.
    public var maxRuntime: Int

    public init(
        job: JobID, kind: String, parameters: JSONValue, attempt: Int, deadline: Timestamp, maxRuntime: Int
    ) {
        self.job = job
        self.kind = kind
        self.parameters = parameters
        self.attempt = attempt
        self.deadline = deadline
        self.maxRuntime = maxRuntime
    }
}

/// `POST /v1/jobs/{id}/progress`: the client has it, or works on it. Answered with `ProgressAnswer`.
public struct ProgressReport: Codable, Hashable, Sendable {
    public enum Stage: String, Codable, Sendable {
        /// It is on the client's disk.
        case accepted
        case running
    }

    public var attempt: Int
    /// From 1 within an attempt; what comes with a lower one is out of date.
    public var sequence: Int
    public var stage: Stage
    public var progress: Progress?

    public init(attempt: Int, sequence: Int, stage: Stage, progress: Progress? = nil) {
        self.attempt = attempt
        self.sequence = sequence
        self.stage = stage
        self.progress = progress
    }
}

public struct ProgressAnswer: Codable, Hashable, Sendable {
    /// The state at the server. A terminal one says that the client may stop and forget it.
    public var state: AssignmentState
    /// The client shall stop at the next file.
    public var cancel: Bool

    public init(state: AssignmentState, cancel: Bool) {
        self.state = state
        self.cancel = cancel
    }
}

/// How work ended: the reply of a client's `job.<kind>` service, and the body of `POST /v1/jobs/{id}/result`.
public struct Outcome: Codable, Hashable, Sendable {
    public enum End: String, Codable, Sendable, CaseIterable {
        case succeeded, failed, cancelled
    }

    public var end: End
    /// Why it failed or was cancelled: a sentence; empty otherwise.
    public var reason: String
    /// A `ClientStatus` for a poll, a `SweepReport` for a sweep.
    public var result: JSONValue?
    /// The attempt that it belongs to.
    public var attempt: Int

    public init(_ end: End, reason: String = "", result: JSONValue? = nil, attempt: Int = 0) {
        self.end = end
        self.reason = reason
        self.result = result
        self.attempt = attempt
    }
}

/// The result is committed; the client may forget it.
public struct OutcomeAnswer: Codable, Hashable, Sendable {
    public var state: AssignmentState

    public init(state: AssignmentState) { self.state = state }
}
