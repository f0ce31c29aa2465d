/// What a component has done on the bus since it was first configured, through restarts and reloads.
public struct BusActivity: Codable, Equatable, Sendable {
    /// Messages it published.
    public var published: UInt64 = 0
    /// Messages that were handed to its worker.
    public var delivered: UInt64 = 0
    /// Messages that did not reach it, since it was not active or did not keep up, and its own that were dropped, since
    /// it published too many.
    public var dropped: UInt64 = 0
    /// The same by topic.
    public var droppedByTopic: [String: UInt64] = [:]
    /// Calls it made.
    public var callsMade: UInt64 = 0
    /// Calls it replied to.
    public var callsServed: UInt64 = 0
    /// Calls it made that were not answered well.
    public var callsFailed: UInt64 = 0
    /// What it tried and may not do. A worker that follows the rules never gets this far.
    public var violations: UInt64 = 0

    public init() {}
}
