public import Fleet

/// How a job is followed to its end: over a stream of its counts, and where there is none by asking again and again.
///
///     opening ─► streaming ─ `end` ─────────────────────────► finished
///        ▲  ▲        └─ the stream ends: at once ──┐             ▲
///        │  └───────────────────────────────────────┘            │
///        ├─ an error: after a pause that grows to a bound        │
///        └─ no stream, or errors in a row ─► asking ─ finished ──┘
///
/// It gives up where the server does not know the job, or will not take who asks: waiting changes neither.
public struct JobWatch: Sendable {
    /// What to do now.
    public enum Step: Equatable, Sendable {
        case openStream
        /// For the job, without its assignments.
        case ask
        /// Nothing, until something comes in or so many milliseconds have passed; nil: until something comes in.
        case wait(UInt64?)
        case finished
        case giveUp(AdminFailure)
    }

    public enum Input: Equatable, Sendable {
        case counts(AssignmentCounts)
        /// The stream's last word.
        case end(AssignmentCounts)
        /// The answer was over without it.
        case streamEnded
        /// The server has the job and no stream of it, or something between cannot carry one.
        case noStream
        case failed(AdminFailure)
        case job(Job)
    }

    private enum State: Equatable {
        case openingAt(UInt64)
        case streaming
        case askingAt(UInt64)
        case asking
        case finished
        case gaveUp(AdminFailure)
    }

    private enum Pause {
        /// Milliseconds.
        static let first: UInt64 = 500
        static let longest: UInt64 = 15_000
        static let betweenQuestions: UInt64 = 2_000
        /// Streams in a row that end without a word; more are an error, or they would be opened without a pause.
        static let silentStreams = 3
    }

    private var state: State
    /// Whether a stream is tried again after the server was asked.
    private var hasStream: Bool
    private var errors = 0
    private var silentStreams = 0
    /// What is known of the job's assignments; nil: nothing yet.
    public private(set) var counts: AssignmentCounts?
    /// Why nothing is heard at present; nil: something is.
    public private(set) var trouble: AdminFailure?

    /// - Parameter hasStream: false: no component has a stream for this kind of job.
    public init(hasStream: Bool = true, counts: AssignmentCounts? = nil) {
        self.hasStream = hasStream
        state = hasStream ? .openingAt(0) : .askingAt(0)
        self.counts = counts
    }

    /// - Parameter now: milliseconds of a clock that never goes back.
    public mutating func next(at now: UInt64) -> Step {
        switch state {
        case .openingAt(let time) where time <= now:
            state = .streaming
            return .openStream
        case .askingAt(let time) where time <= now:
            state = .asking
            return .ask
        case .openingAt(let time), .askingAt(let time): return .wait(time - now)
        case .streaming, .asking: return .wait(nil)
        case .finished: return .finished
        case .gaveUp(let failure): return .giveUp(failure)
        }
    }

    public mutating func take(_ input: Input, at now: UInt64) {
        switch (state, input) {
        case (.finished, _), (.gaveUp, _): break
        case (_, .counts(let counts)):
            heard(counts)
        case (_, .end(let counts)):
            heard(counts)
            state = .finished
        case (_, .job(let job)):
            heard(job.counts)
            if job.finishedAt != nil {
                state = .finished
            } else if state == .asking {
                let time = now + Pause.betweenQuestions
                state = hasStream ? .openingAt(time) : .askingAt(time)
            }
        case (_, .streamEnded): openAgain(at: now)
        case (_, .noStream):
            hasStream = false
            state = .askingAt(now)
        case (.streaming, .failed(let failure)) where failure.kind == .handingOver: openAgain(at: now)
        case (_, .failed(let failure)): fail(failure, at: now)
        }
    }

    private mutating func heard(_ counts: AssignmentCounts) {
        self.counts = counts
        errors = 0
        silentStreams = 0
        trouble = nil
    }

    /// At once: the server ends streams when its component hands over to a newer generation.
    private mutating func openAgain(at now: UInt64) {
        silentStreams += 1
        if silentStreams > Pause.silentStreams {
            pause(at: now, atLeast: nil) { .openingAt($0) }
        } else {
            state = .openingAt(now)
        }
    }

    private mutating func fail(_ failure: AdminFailure, at now: UInt64) {
        guard failure.isPassing else {
            state = .gaveUp(failure)
            return
        }
        trouble = failure
        // Where the stream's component does not answer twice in a row, the one that keeps the jobs may.
        let opens = hasStream && !(state == .streaming && errors >= 1)
        pause(at: now, atLeast: failure.retryAfter) { opens ? .openingAt($0) : .askingAt($0) }
    }

    private mutating func pause(at now: UInt64, atLeast seconds: Double?, _ make: (UInt64) -> State) {
        let grown = Pause.first << UInt64(min(errors, 10))
        let asked = UInt64(max(0, min(seconds ?? 0, 3600)) * 1000)
        errors += 1
        state = make(now + max(min(grown, Pause.longest), min(asked, Pause.longest * 4)))
    }
}
