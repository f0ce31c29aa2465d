/// When to look at the upstream again. Pure: chance and outcomes come from outside.
struct Schedule: Sendable, Equatable {
    /// What a look came to.
    enum Outcome: Sendable, Equatable {
        case succeeded
        /// - Parameter retryAfter: what the upstream asked for.
        case failed(retryAfter: Duration?)
        /// Another process has the repository: it will not take long.
        case locked
    }

    let interval: Duration
    let jitter: Duration
    /// Since the last success.
    private(set) var failures = 0

    /// The wait behind the first failure; it doubles up to the interval.
    static let firstRetry = Duration.seconds(60)
    static let lockedRetry = Duration.seconds(5)
    /// No server is believed to want more.
    static let longestRetryAfter = Duration.seconds(86400)

    init(interval: Duration, jitter: Duration) {
        self.interval = interval
        self.jitter = jitter
    }

    /// How long to wait after an outcome.
    /// - Parameter chance: 0 up to 1.
    mutating func next(after outcome: Outcome, chance: Double) -> Duration {
        switch outcome {
        case .succeeded:
            failures = 0
            return interval + jitter * chance
        case .locked: return Self.lockedRetry + Self.lockedRetry * chance
        case .failed(let retryAfter):
            failures += 1
            // A shift without bound would be none.
            let doubled = Self.firstRetry * (1 << min(failures - 1, 20))
            let wait = min(doubled, max(interval, Duration.seconds(1)))
            // From half of it to all, and never before the upstream wants us.
            let own = wait / 2 + wait / 2 * chance
            guard let retryAfter else { return own }
            let asked = min(retryAfter, Self.longestRetryAfter)
            return max(own, asked + min(asked, Duration.seconds(60)) / 4 * chance)
        }
    }
}

extension Duration {
    static func * (duration: Duration, factor: Double) -> Duration {
        .nanoseconds(Int64(Double(duration.components.seconds) * 1e9 * factor))
            + .nanoseconds(Int64(Double(duration.components.attoseconds) / 1e9 * factor))
    }
}
