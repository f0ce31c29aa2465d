import Locks

/// Ends a sweep from another thread: at the next file, or within a large one at the next piece of it.
public final class SweepControl: Sendable {
    public enum Reason: Hashable, Sendable {
        case cancelled
        /// The time that it may take is over.
        case outOfTime
        /// The component hands over or stops.
        case handedOver
    }

    private let stopped = Locked<Reason?>(nil)
    private let deadline: SuspendingClock.Instant?

    public init(deadline: SuspendingClock.Instant? = nil) { self.deadline = deadline }

    /// The first reason stays.
    public func stop(_ reason: Reason) { stopped.withLock { $0 = $0 ?? reason } }

    /// nil: it may go on.
    public var reason: Reason? {
        if let reason = stopped.withLock({ $0 }) { return reason }
        guard let deadline, SuspendingClock.now >= deadline else { return nil }
        stop(.outOfTime)
        return stopped.withLock { $0 }
    }
}
