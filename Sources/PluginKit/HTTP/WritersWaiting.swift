import Locks
import Synchronization

/// The tasks that wait for room to write, by exchange: at most one each.
final class WritersWaiting: Sendable {
    private let waiting = Locked<[UInt64: CheckedContinuation<ExchangeResult?, Never>]>([:])
    /// Read without the lock, so that exchanges that never wait pay next to nothing.
    private let count = Atomic(0)

    /// Registers, tries once more, and waits where it is still busy. Answers nil when woken, else what the try gave.
    /// A second writer for the same exchange wakes the first, which then tries again.
    func wait(for exchange: UInt64, tryAgain: () -> ExchangeResult) async -> ExchangeResult? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let former = waiting.withLock { $0.updateValue(continuation, forKey: exchange) }
                if let former { former.resume(returning: nil) } else { count.add(1, ordering: .sequentiallyConsistent) }
                let result = tryAgain()
                if result != .busy || Task.isCancelled { wake(exchange, result == .busy ? nil : result) }
            }
        } onCancel: {
            wake(exchange)
        }
    }

    /// Wakes the one who waits for `exchange`, if there is one.
    func wake(_ exchange: UInt64, _ result: ExchangeResult? = nil) {
        guard count.load(ordering: .sequentiallyConsistent) > 0 else { return }
        guard let continuation = waiting.withLock({ $0.removeValue(forKey: exchange) }) else { return }
        count.subtract(1, ordering: .sequentiallyConsistent)
        continuation.resume(returning: result)
    }
}
