/// What may be taken over time: so much a second, and what was not used for a time at once. What is taken may be known
/// only afterwards, so it may be in debt. Pure: times are nanoseconds of any steady clock.
struct Bucket: Sendable, Equatable {
    /// When it will be, or was, empty of debt; the distance to now is what is owed, or, in the past, what is saved.
    private var settledAt: Int64

    /// A full one.
    init(now: Int64) { settledAt = now - Int64.max / 4 }

    /// How long, in nanoseconds, until nothing is owed.
    func debt(now: Int64) -> Int64 { max(0, settledAt - now) }

    /// - Parameters:
    ///   - cost: in nanoseconds: an amount by the rate.
    ///   - saved: how much can be saved up, in nanoseconds.
    mutating func take(_ cost: Int64, now: Int64, saved: Int64) {
        let (sum, overflow) = max(settledAt, now - saved).addingReportingOverflow(cost)
        settledAt = overflow ? Int64.max / 2 : sum
    }

    /// Whether it is as a new one.
    func isFull(now: Int64, saved: Int64) -> Bool { settledAt <= now - saved }
}
