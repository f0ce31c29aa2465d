internal import Dispatch
internal import Locks
internal import Networking

/// One request and what has come of its answer so far.
///
/// The client's thread writes, one other thread reads: waiting for the end, or piece by piece.
final class Exchange: HTTPClientHandler {
    struct Head: Sendable {
        var status: Int
        /// In lower case, without parameters.
        var contentType: String
    }

    private struct State {
        var head: Head?
        var unread: [UInt8] = []
        var result: HTTPClientResult?
        var isOverfull = false
    }

    /// Bytes that are kept for a reader who does not come.
    private let limit: Int

    private let state = Locked(State())
    private let hasEnded = DispatchSemaphore(value: 0)

    init(limit: Int) { self.limit = limit }

    var head: Head? { state.withLock { $0.head } }

    /// What has come since the last call.
    func takeBody() -> [UInt8] {
        state.withLock { state in
            defer { state.unread = [] }
            return state.unread
        }
    }

    /// More came than is kept: what is read has gaps.
    var isOverfull: Bool { state.withLock { $0.isOverfull } }

    /// nil: more may come. Asked before the body is taken, so that nothing is left behind.
    var result: HTTPClientResult? { state.withLock { $0.result } }

    /// Waits for the end, once.
    func wait() { hasEnded.wait() }

    // MARK: HTTPClientHandler

    func onHead(_ transfer: UInt64, _ head: HTTPClientAnswer) {
        let type = (head.value(of: "content-type") ?? "").split(separator: ";").first ?? ""
        let shown = type.lowercased().filter { $0 != " " && $0 != "\t" }
        state.withLock { $0.head = Head(status: head.status, contentType: shown) }
    }

    func onBody(_ transfer: UInt64, _ piece: UnsafeRawBufferPointer) {
        let bytes = Array(piece)
        state.withLock { state in
            if state.unread.count + bytes.count > limit { state.isOverfull = true }
            if !state.isOverfull { state.unread += bytes }
        }
    }

    func onEnd(_ transfer: UInt64, _ result: HTTPClientResult) {
        state.withLock { $0.result = result }
        hasEnded.signal()
    }
}
