/// How long requests took, from their whole head to their answer being written: counts by size.
public struct RequestDurations: Codable, Equatable, Sendable {
    /// Upper bounds, nanoseconds, ascending; what is longer than the last is counted behind it.
    public static let bounds: [UInt64] = [
        500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000,
        500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
    ]

    /// Requests that took longer than the bound before and at most this one; one more than there are bounds.
    public var counts: [UInt64]
    /// All of them together, nanoseconds.
    public var sum: UInt64

    public init() {
        counts = [UInt64](repeating: 0, count: Self.bounds.count + 1)
        sum = 0
    }
}
