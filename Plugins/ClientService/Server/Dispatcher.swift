internal import Fleet
import Locks

/// Tells clients that wait of new work, no more of them in a second than the operator allows, so that they do not all
/// answer at once.
final class Dispatcher: Sendable {
    private struct State {
        var queue: [ClientID] = []
        /// Of the queue's front.
        var next = 0
        var bucket: TokenBucket
        var task: Task<Void, Never>?
        var isStopped = false
    }

    private let state: Locked<State>
    private let wake: @Sendable (ClientID) -> Void

    init(rate: Int, wake: @escaping @Sendable (ClientID) -> Void) {
        state = Locked(State(bucket: TokenBucket(rate: rate, at: .now)))
        self.wake = wake
    }

    func add(_ clients: [ClientID]) {
        state.withLock { state in
            guard !state.isStopped else { return }
            state.queue += clients
            guard state.task == nil else { return }
            state.task = Task { [self] in
                while workOff() {
                    try? await Task.sleep(for: .milliseconds(10))
                    if Task.isCancelled { break }
                }
            }
        }
    }

    /// False when there is nothing left.
    private func workOff() -> Bool {
        let (batch, isDone) = state.withLock { state in
            let count = state.bucket.take(upTo: state.queue.count - state.next, at: .now)
            let batch = Array(state.queue[state.next..<state.next + count])
            state.next += count
            guard state.next == state.queue.count else { return (batch, false) }
            state.queue = []
            state.next = 0
            state.task = nil
            return (batch, true)
        }
        for client in batch { wake(client) }
        return !isDone
    }

    /// What was not told yet is found by the clients themselves: their polls end with the component.
    func stop() {
        state.withLock { state in
            state.isStopped = true
            state.task?.cancel()
            state.task = nil
            state.queue = []
            state.next = 0
        }
    }

    func restart() { state.withLock { $0.isStopped = false } }
}
