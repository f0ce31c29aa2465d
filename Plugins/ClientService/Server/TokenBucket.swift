/// How many may go now, at a steady rate with a burst of a tenth of a second: a pure value, told the time.
struct TokenBucket: Sendable {
    /// Per second.
    private let rate: Double
    private let capacity: Double
    private var level: Double
    private var last: SuspendingClock.Instant

    init(rate: Int, at now: SuspendingClock.Instant) {
        self.rate = Double(max(1, rate))
        capacity = max(1, self.rate / 10)
        level = capacity
        last = now
    }

    /// Takes up to `wanted`.
    mutating func take(upTo wanted: Int, at now: SuspendingClock.Instant) -> Int {
        level = min(capacity, level + (now - last) / .seconds(1) * rate)
        last = now
        let taken = min(wanted, Int(level))
        level -= Double(taken)
        return taken
    }
}
