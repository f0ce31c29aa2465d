import Locks

/// Asks whoever carries out a job to end it.
public final class WorkStop: Sendable {
    public enum Reason: Hashable, Sendable {
        case cancelled
        /// Its time is over: a sentence says which.
        case outOfTime(String)
        /// The component is reloaded or stops; its successor is asked again.
        case handedOver
    }

    private struct State {
        var reason: Reason?
        var action: (@Sendable (Reason) -> Void)?
    }

    private let state = Locked(State())

    public init() {}

    /// nil: go on.
    public var reason: Reason? { state.withLock { $0.reason } }

    /// Has `action` called once when the end is asked for, at once where it was already.
    public func whenStopped(_ action: @escaping @Sendable (Reason) -> Void) {
        let reason = state.withLock { state in
            if state.reason == nil { state.action = action }
            return state.reason
        }
        if let reason { action(reason) }
    }

    /// The first reason stays.
    func stop(_ reason: Reason) {
        let action = state.withLock { state -> (@Sendable (Reason) -> Void)? in
            guard state.reason == nil else { return nil }
            state.reason = reason
            return state.action.take()
        }
        action?(reason)
    }
}
