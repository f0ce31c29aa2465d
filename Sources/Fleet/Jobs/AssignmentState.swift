/// Where one client is with one job.
///
///     queued → offered → accepted → running → succeeded | failed | cancelled | expired
///
/// `AssignmentMachine` has every step between them.
public enum AssignmentState: String, Codable, Sendable, CaseIterable {
    /// It waits at the server for the client to ask.
    case queued
    /// It was handed out and the client has not said that it has it.
    case offered
    /// The client has it on disk.
    case accepted
    case running
    case succeeded
    case failed
    case cancelled
    /// The deadline passed before there was a result.
    case expired

    /// Nothing follows.
    public var isTerminal: Bool {
        switch self {
        case .queued, .offered, .accepted, .running: false
        case .succeeded, .failed, .cancelled, .expired: true
        }
    }

    /// The client is believed to have it: it is leased.
    public var isLeased: Bool {
        switch self {
        case .offered, .accepted, .running: true
        case .queued, .succeeded, .failed, .cancelled, .expired: false
        }
    }
}

/// How many assignments of a job are in each state.
public struct AssignmentCounts: Codable, Hashable, Sendable {
    public var queued = 0
    public var offered = 0
    public var accepted = 0
    public var running = 0
    public var succeeded = 0
    public var failed = 0
    public var cancelled = 0
    public var expired = 0

    public init() {}

    public subscript(_ state: AssignmentState) -> Int {
        get { self[keyPath: Self.path(state)] }
        set { self[keyPath: Self.path(state)] = newValue }
    }

    private static func path(_ state: AssignmentState) -> WritableKeyPath<Self, Int> {
        switch state {
        case .queued: \.queued
        case .offered: \.offered
        case .accepted: \.accepted
        case .running: \.running
        case .succeeded: \.succeeded
        case .failed: \.failed
        case .cancelled: \.cancelled
        case .expired: \.expired
        }
    }

    public var total: Int { AssignmentState.allCases.reduce(0) { $0 + self[$1] } }
    public var terminal: Int { AssignmentState.allCases.filter(\.isTerminal).reduce(0) { $0 + self[$1] } }
    /// Every assignment has reached its end.
    public var isFinished: Bool { terminal == total }
}
