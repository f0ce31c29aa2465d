/// Spreads what is done over time: so many a second, and after a pause a few at once. Pure: times are since any one moment.
struct TokenBucket: Sendable {
    private let interval: Duration
    private let burst: Int
    /// When the bucket would have been empty: each token taken moves it on by an interval.
    private var emptyAt: Duration = .zero

    init(perSecond: Int, burst: Int) {
        interval = .seconds(1) / max(1, perSecond)
        self.burst = max(1, burst)
    }

    /// Takes a token, and answers how long to wait for it.
    mutating func take(at now: Duration) -> Duration {
        emptyAt = max(emptyAt, now - interval * burst) + interval
        return max(.zero, emptyAt - now)
    }
}
