import Locks

/// A request's body as a sequence of pieces, for one reader. When the reader is slow, the client is held back.
/// Iteration throws `BodyCut` where the body did not arrive whole.
public struct RequestBody: AsyncSequence, Sendable {
    let pipe: BodyPipe

    public struct AsyncIterator: AsyncIteratorProtocol {
        let pipe: BodyPipe

        public mutating func next() async throws -> [UInt8]? { try await pipe.next() }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pipe: pipe) }

    /// The whole body; throws `BodyTooLarge` beyond `limit` bytes.
    public func collect(upTo limit: Int) async throws -> [UInt8] {
        var whole: [UInt8] = []
        for try await piece in self {
            guard whole.count + piece.count <= limit else { throw BodyTooLarge(limit: limit) }
            whole += piece
        }
        return whole
    }
}

/// The body ended before it was whole: the client left, stalled or broke a limit.
public struct BodyCut: Error, Sendable, Equatable {
    public let reason: AbortReason
}

/// A body was longer than its reader allows.
public struct BodyTooLarge: Error, Sendable, Equatable {
    /// Bytes.
    public let limit: Int
}

/// Carries a body from a loop to the task that reads it, holding at most a little more than `highWater` bytes.
final class BodyPipe: Sendable {
    private struct State {
        var pieces: [[UInt8]] = []
        var bytes = 0
        var isPaused = false
        var end: End?
        var reader: CheckedContinuation<Void, Never>?
    }

    private enum End {
        case whole
        case cut(AbortReason)
    }

    private static let highWater = 64 << 10

    private let exchange: Exchange
    private let state = Locked(State())

    init(_ exchange: Exchange) { self.exchange = exchange }

    /// On the loop.
    func push(_ piece: [UInt8]) {
        let (reader, pauses) = state.withLock { state in
            guard state.end == nil else { return (state.reader.take(), false) }
            state.pieces.append(piece)
            state.bytes += piece.count
            let pauses = !state.isPaused && state.bytes >= Self.highWater
            if pauses { state.isPaused = true }
            return (state.reader.take(), pauses)
        }
        if pauses { exchange.pauseBody() }
        reader?.resume()
    }

    func finish() { end(.whole) }
    func cut(_ reason: AbortReason) { end(.cut(reason)) }

    private func end(_ end: End) {
        let reader = state.withLock { state in
            if state.end == nil { state.end = end }
            return state.reader.take()
        }
        reader?.resume()
    }

    private enum Step {
        case piece([UInt8], resumes: Bool)
        case end
        case cut(AbortReason)
        case wait
    }

    func next() async throws -> [UInt8]? {
        while true {
            try Task.checkCancellation()
            switch takeStep() {
            case .piece(let piece, let resumes):
                if resumes { exchange.resumeBody() }
                return piece
            case .end: return nil
            case .cut(let reason): throw BodyCut(reason: reason)
            case .wait: await waitForMore()
            }
        }
    }

    private func takeStep() -> Step {
        state.withLock { state in
            guard state.pieces.isEmpty else {
                let pieces = state.pieces
                state.pieces = []
                state.bytes = 0
                let resumes = state.isPaused
                state.isPaused = false
                return .piece(pieces.count == 1 ? pieces[0] : Array(pieces.joined()), resumes: resumes)
            }
            switch state.end {
            case .whole: return .end
            case .cut(let reason): return .cut(reason)
            case nil: return .wait
            }
        }
    }

    private func waitForMore() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let former = state.withLock { state -> CheckedContinuation<Void, Never>? in
                    guard state.pieces.isEmpty, state.end == nil, !Task.isCancelled else { return continuation }
                    defer { state.reader = continuation }
                    return state.reader
                }
                former?.resume()
            }
        } onCancel: {
            state.withLock { $0.reader.take() }?.resume()
        }
    }
}
