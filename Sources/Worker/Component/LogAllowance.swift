/// How many lines a component may log: a bucket that fills steadily. Pure: the time is passed in.
///
/// Generous to a component that has something to say, and a bound on one that has lost its mind: what it writes has to be
/// read, written and kept by the one supervisor that serves all.
struct LogAllowance {
    /// Lines that may come at once.
    static let burst: UInt64 = 10_000
    /// Lines a second after that.
    static let rate: UInt64 = 1_000

    private var left = burst
    private var filledAt: UInt64

    init(at now: UInt64) { filledAt = now }

    /// Whether one more line may go.
    mutating func take(at now: UInt64) -> Bool {
        if left == 0 { fill(at: now) }
        guard left > 0 else { return false }
        left -= 1
        return true
    }

    private mutating func fill(at now: UInt64) {
        let passed = now > filledAt ? now - filledAt : 0
        let step = MonotonicTime.second / Self.rate
        guard passed >= step else { return }
        left = min(passed / step, Self.burst)
        // The rest of a step is kept, so that the rate is met however often it is asked.
        filledAt = now - passed % step
    }
}
