internal import Locks
internal import Networking

/// One transfer of `CurlTransport`: its answer's body so far, and its end. The client's thread writes, one task waits.
final class Fetching: HTTPClientHandler {
    private struct State {
        var id: UInt64?
        var status = 0
        var body: [UInt8] = []
        var result: HTTPClientResult?
        var waiting: CheckedContinuation<HTTPClientResult, Never>?
    }

    private let state = Locked(State())

    /// nil before the start.
    var id: UInt64? { state.withLock { $0.id } }

    func note(_ id: UInt64) { state.withLock { $0.id = id } }

    func takeBody() -> [UInt8] {
        state.withLock { state in
            defer { state.body = [] }
            return state.body
        }
    }

    /// The end, for one who waits.
    func result() async -> HTTPClientResult {
        await withCheckedContinuation { waiting in
            let ended = state.withLock { state in
                if state.result == nil { state.waiting = waiting }
                return state.result
            }
            if let ended { waiting.resume(returning: ended) }
        }
    }

    // MARK: HTTPClientHandler

    func onHead(_ transfer: UInt64, _ head: HTTPClientAnswer) { state.withLock { $0.status = head.status } }

    func onBody(_ transfer: UInt64, _ piece: UnsafeRawBufferPointer) {
        // The page that comes with an error is for browsers.
        state.withLock { if $0.status == 200 { $0.body.append(contentsOf: piece) } }
    }

    func onEnd(_ transfer: UInt64, _ result: HTTPClientResult) {
        let waiting = state.withLock { state in
            state.result = result
            defer { state.waiting = nil }
            return state.waiting
        }
        waiting?.resume(returning: result)
    }
}
