/// When a unit whose worker died is started again.
///
/// | died                  | started again                                                                |
/// |-----------------------|------------------------------------------------------------------------------|
/// | after READY           | at once, `restartLimit` times within `restartWindow`; then after a pause that |
/// |                       | doubles from `firstPause` to `lastPause`                                      |
/// | before READY          | after a pause that doubles from `firstRetry` to `lastPause`                   |
/// | after `stableAfter`   | as if it had never died before                                                |
struct Backoff: Sendable {
    struct Decision: Equatable, Sendable {
        /// 0: at once.
        var pause: Nanoseconds
        /// More deaths than the limit since the last stable time.
        var isOverLimit: Bool
    }

    private var immediateRestarts: [Instant] = []
    private var pauses = 0
    private var retries = 0
    private var deaths = 0

    /// - Parameters:
    ///   - activeFor: how long the worker was active; nil where it never was.
    ///   - jitter: answers a number from 0 to its argument.
    mutating func death(
        at now: Instant, afterReady: Bool, activeFor: Nanoseconds?, limits: Limits, jitter: (UInt64) -> UInt64
    ) -> Decision {
        if let activeFor, activeFor >= limits.stableAfter { self = Backoff() }
        deaths += 1
        let isOverLimit = deaths > limits.restartLimit
        guard afterReady else {
            let pause = Self.doubling(limits.firstRetry, retries, limits.lastPause, jitter)
            retries += 1
            return Decision(pause: pause, isOverLimit: isOverLimit)
        }
        retries = 0
        immediateRestarts.removeAll { now.since($0) >= limits.restartWindow }
        if pauses == 0, immediateRestarts.count < limits.restartLimit {
            immediateRestarts.append(now)
            return Decision(pause: 0, isOverLimit: isOverLimit)
        }
        let pause = Self.doubling(limits.firstPause, pauses, limits.lastPause, jitter)
        pauses += 1
        return Decision(pause: pause, isOverLimit: isOverLimit)
    }

    /// Whether it has come to pauses: restarting at once did not help.
    var isPausing: Bool { pauses > 0 }

    /// `first` doubled `times` times, at most `last`, and up to a quarter more.
    private static func doubling(
        _ first: Nanoseconds, _ times: Int, _ last: Nanoseconds, _ jitter: (UInt64) -> UInt64
    ) -> Nanoseconds {
        var pause = min(first, last)
        for _ in 0..<min(times, 64) where pause < last { pause = min(pause.after(pause), last) }
        return pause.after(min(jitter(pause / 4), pause / 4))
    }
}
