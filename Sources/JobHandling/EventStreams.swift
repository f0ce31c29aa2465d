import Fleet
import Locks
import PluginKit

/// Those who watch jobs. Topics of the bus and one timer wake them.
final class EventStreams: Sendable {
    static let limit = 256

    private struct State {
        var streams: [UInt64: EventStream] = [:]
        var timer: Timer?
        var isQuiet = false
    }

    private let host: Host
    private let state = Locked(State())

    init(_ host: Host) { self.host = host }

    /// Throws a `Problem` of 503 where there are too many, or the component hands over.
    func open(_ job: JobID, _ exchange: Exchange) throws(Problem) -> EventStream {
        let stream = EventStream(job, exchange)
        let refusal = state.withLock { state -> Problem? in
            if state.isQuiet { return .handingOver }
            guard state.streams.count < Self.limit else {
                return Problem(503, .busy, "\(Self.limit) watch already; try again in a moment.")
            }
            state.streams[exchange.id] = stream
            return nil
        }
        if let refusal { throw refusal }
        startTimer()
        return stream
    }

    func close(_ stream: EventStream) {
        let timer = state.withLock { state in
            state.streams[stream.exchange.id] = nil
            return state.streams.isEmpty ? state.timer.take() : nil
        }
        timer?.cancel()
    }

    /// A job was heard of.
    func take(_ event: JobEvent, isFinished: Bool) {
        for stream in all where stream.job == event.job { stream.take(event, isFinished: isFinished) }
    }

    /// All end at once, and no new ones begin.
    func quiesce() {
        state.withLock { $0.isQuiet = true }
        for stream in all { stream.close() }
    }

    func resume() { state.withLock { $0.isQuiet = false } }

    var count: Int { state.withLock { $0.streams.count } }

    private var all: [EventStream] { state.withLock { Array($0.streams.values) } }

    private func startTimer() {
        guard state.withLock({ $0.timer == nil }) else { return }
        // Without it events still come, only later: a stream that is written to wakes itself.
        let made = try? host.startTimer(after: EventFeed.pace, every: EventFeed.pace) { [weak self] in
            for stream in self?.all ?? [] { stream.wake() }
        }
        let superfluous = state.withLock { state -> Timer? in
            guard state.timer == nil, !state.streams.isEmpty else { return made }
            state.timer = made
            return nil
        }
        superfluous?.cancel()
    }
}

/// One who watches: its task waits here for what is to be said next.
final class EventStream: Sendable {
    private struct State {
        var feed: EventFeed
        var waiter: CheckedContinuation<EventFeed.Step, Never>?
    }

    let job: JobID
    let exchange: Exchange
    private let startedAt = SuspendingClock.now
    private let state = Locked(State(feed: EventFeed(at: .zero)))

    init(_ job: JobID, _ exchange: Exchange) {
        self.job = job
        self.exchange = exchange
    }

    private var now: Duration { SuspendingClock.now - startedAt }

    /// What is to be done; waits while that is nothing. For one task.
    func next() async -> EventFeed.Step {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let now = now
                let step = state.withLock { state -> EventFeed.Step in
                    let step = state.feed.next(at: now)
                    if step == .wait { state.waiter = continuation }
                    return step
                }
                if step != .wait { continuation.resume(returning: step) }
            }
        } onCancel: {
            close()
        }
    }

    func take(_ event: JobEvent, isFinished: Bool) {
        let now = now
        state.withLock { $0.feed.take(event, isFinished: isFinished, at: now) }
        wake()
    }

    /// The stream ends at once, even while its task is busy with something else.
    func close() {
        state.withLock { $0.feed.close() }
        exchange.end()
        wake()
    }

    func wake() {
        let now = now
        let woken = state.withLock { state -> (CheckedContinuation<EventFeed.Step, Never>, EventFeed.Step)? in
            guard let waiter = state.waiter else { return nil }
            let step = state.feed.next(at: now)
            guard step != .wait else { return nil }
            state.waiter = nil
            return (waiter, step)
        }
        if let (waiter, step) = woken { waiter.resume(returning: step) }
    }
}

extension Problem {
    static let handingOver = Problem(503, .handingOver, "The component hands over to its successor: ask again at once.")
}
