/// An order to a number of clients, as an administrator gives it.
public struct JobOrder: Codable, Hashable, Sendable {
    /// Who shall do it, as `Selector` reads it: `all`, `group=office and os=linux`.
    public var selector: String
    /// What the component that carries it out is told: see `SweepParameters`; nothing for a poll.
    public var parameters: JSONValue?
    /// Not handed out before.
    public var notBefore: Timestamp?
    /// Finished by then, or expired; nil: the kind's own.
    public var deadline: Timestamp?
    /// Seconds that a client may work on it; nil: the kind's own.
    public var maxRuntime: Int?

    public init(
        selector: String, parameters: JSONValue? = nil, notBefore: Timestamp? = nil, deadline: Timestamp? = nil,
        maxRuntime: Int? = nil
    ) {
        self.selector = selector
        self.parameters = parameters
        self.notBefore = notBefore
        self.deadline = deadline
        self.maxRuntime = maxRuntime
    }
}

/// A job as the server keeps it. Times are the server's.
public struct Job: Codable, Hashable, Sendable {
    public var id: JobID
    /// `poll`, `sweep`: the service `job.<kind>` of a client's host carries it out.
    public var kind: String
    public var selector: String
    public var parameters: JSONValue
    public var notBefore: Timestamp?
    public var deadline: Timestamp
    /// Seconds.
    public var maxRuntime: Int
    /// The administrator's URI.
    public var createdBy: String
    public var createdAt: Timestamp
    public var cancelledAt: Timestamp?
    /// When the last assignment reached its end.
    public var finishedAt: Timestamp?
    public var counts: AssignmentCounts

    public init(
        id: JobID, kind: String, selector: String, parameters: JSONValue, notBefore: Timestamp?, deadline: Timestamp,
        maxRuntime: Int, createdBy: String, createdAt: Timestamp, cancelledAt: Timestamp? = nil,
        finishedAt: Timestamp? = nil, counts: AssignmentCounts = AssignmentCounts()
    ) {
        self.id = id
        self.kind = kind
        self.selector = selector
        self.parameters = parameters
        self.notBefore = notBefore
        self.deadline = deadline
        self.maxRuntime = maxRuntime
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.cancelledAt = cancelledAt
        self.finishedAt = finishedAt
        self.counts = counts
    }
}

/// One client's part of a job, as it is listed.
public struct AssignmentRow: Codable, Hashable, Sendable {
    public var job: JobID
    public var client: ClientID
    /// The client's name at present.
    public var name: String
    public var state: AssignmentState
    /// How often it was handed out.
    public var attempt: Int
    /// Since its last change of state.
    public var since: Timestamp
    /// An end is asked for and has not come yet.
    public var isCancelRequested: Bool
    /// Why it failed, was cancelled or expired; empty otherwise.
    public var reason: String
    public var progress: Progress?
    /// What the client's component reported: a `ClientStatus` for a poll, a `SweepReport` for a sweep.
    public var result: JSONValue?
    /// The result came after the assignment had reached another end.
    public var isLate: Bool
    /// Whether the client is heard of at present.
    public var isOnline: Bool

    public init(
        job: JobID, client: ClientID, name: String, state: AssignmentState, attempt: Int, since: Timestamp,
        isCancelRequested: Bool = false, reason: String = "", progress: Progress? = nil, result: JSONValue? = nil,
        isLate: Bool = false, isOnline: Bool = false
    ) {
        self.job = job
        self.client = client
        self.name = name
        self.state = state
        self.attempt = attempt
        self.since = since
        self.isCancelRequested = isCancelRequested
        self.reason = reason
        self.progress = progress
        self.result = result
        self.isLate = isLate
        self.isOnline = isOnline
    }
}

/// How far work has come; what is not known is nil.
public struct Progress: Codable, Hashable, Sendable {
    public var files: Int?
    public var bytes: Int?
    /// What is being looked at.
    public var path: String?
    public var detections: Int?
    /// 0 to 1.
    public var fraction: Double?

    public init(
        files: Int? = nil, bytes: Int? = nil, path: String? = nil, detections: Int? = nil, fraction: Double? = nil
    ) {
        self.files = files
        self.bytes = bytes
        self.path = path
        self.detections = detections
        self.fraction = fraction
    }
}
