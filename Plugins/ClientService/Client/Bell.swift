import Locks

/// Ends a wait early. One waits, any number ring; a ring while nobody waits ends the next wait at once.
final class Bell: Sendable {
    private struct State {
        var hasRung = false
        /// Of the newest wait.
        var number: UInt64 = 0
        /// The wait whose time was over before it began to wait.
        var ended: UInt64 = 0
        var continuation: CheckedContinuation<Bool, Never>?
    }

    private let state = Locked(State())

    func ring() { end(nil, rung: true) }

    /// True where it rang; false after `duration`, and where the task was cancelled.
    func wait(_ duration: Duration) async -> Bool {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        let timeout = Task { [self] in
            try? await Task.sleep(for: duration)
            end(number, rung: false)
        }
        defer { timeout.cancel() }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = state.withLock { state -> Bool? in
                    if state.hasRung {
                        state.hasRung = false
                        return true
                    }
                    guard !Task.isCancelled, state.ended != number else { return false }
                    state.continuation = continuation
                    return nil
                }
                if let now { continuation.resume(returning: now) }
            }
        } onCancel: {
            end(number, rung: false)
        }
    }

    /// - Parameter number: of the wait that ends; nil: whichever there is.
    private func end(_ number: UInt64?, rung: Bool) {
        let continuation = state.withLock { state -> CheckedContinuation<Bool, Never>? in
            guard number == nil || number == state.number else { return nil }
            if state.continuation == nil {
                if rung { state.hasRung = true } else { state.ended = state.number }
            }
            return state.continuation.take()
        }
        continuation?.resume(returning: rung)
    }
}
