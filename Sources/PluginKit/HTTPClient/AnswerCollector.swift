import Locks

/// Collects an answer for a task that waits for it.
final class AnswerCollector: HTTPTransferHandler {
    private struct State {
        var head: HTTPAnswerHead?
        var body: [UInt8] = []
        var transfer: HTTPTransfer?
        var isCancelled = false
        var waiter: CheckedContinuation<HTTPAnswer, any Error>?
    }

    private let state = Locked(State())
    /// Bytes of body that are kept; what is beyond is read and thrown away.
    private let capacity: Int

    init(keeps capacity: Int) { self.capacity = capacity }

    func wait(_ continuation: CheckedContinuation<HTTPAnswer, any Error>) {
        state.withLock { $0.waiter = continuation }
    }

    /// The task may have been cancelled before there was anything to cancel.
    func isUnderWay(_ transfer: HTTPTransfer) {
        let isCancelled = state.withLock { state in
            state.transfer = transfer
            return state.isCancelled
        }
        if isCancelled { transfer.cancel() }
    }

    func cancel() {
        let transfer = state.withLock { state in
            state.isCancelled = true
            return state.transfer
        }
        transfer?.cancel()
    }

    func finish(_ result: Result<HTTPAnswer, any Error>) {
        let waiter = state.withLock { $0.waiter.take() }
        waiter?.resume(with: result)
    }

    func took(_ head: HTTPAnswerHead, _ transfer: HTTPTransfer) { state.withLock { $0.head = head } }

    func took(_ piece: Span<UInt8>, _ transfer: HTTPTransfer) {
        let bytes = piece.withUnsafeBufferPointer { Array($0) }
        state.withLock { state in state.body += bytes.prefix(capacity - state.body.count) }
    }

    func ended(_ end: HTTPTransferEnd, _ transfer: HTTPTransfer) {
        let (head, body, isCancelled) = state.withLock { ($0.head, $0.body, $0.isCancelled) }
        if var failure = end.failure {
            (failure.status, failure.retryAfter) = (end.status, end.retryAfter)
            finish(.failure(failure.cause == .cancelled && isCancelled ? CancellationError() : failure))
        } else if let head {
            finish(.success(HTTPAnswer(head: head, body: body, end: end)))
        } else {
            finish(.failure(HTTPClientError(.other, "The host handed over an answer without a head.")))
        }
    }
}
