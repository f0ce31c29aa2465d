/// How long to wait after a failure: full jitter under a bound that doubles, so that many who failed together do not come
/// back together. A pure value.
struct Backoff: Sendable {
    static let first = Duration.seconds(1)
    static let longest = Duration.seconds(60)

    /// As often in a row the server's "at once" is believed: a reload takes a moment, not longer. The first time it is
    /// taken by its word; then a moment is let pass.
    static let atOnceLimit = 20

    private var failures = 0
    private var atOnce = 0

    mutating func reset() {
        failures = 0
        atOnce = 0
    }

    /// The wait before the next try.
    /// - Parameter retryAfter: what the server asked for: no less is waited, and nothing is added to "at once".
    mutating func next(
        retryAfter: Duration? = nil, using generator: inout some RandomNumberGenerator
    ) -> Duration {
        if let retryAfter, retryAfter <= .zero, atOnce < Self.atOnceLimit {
            atOnce += 1
            return atOnce == 1 ? .zero : .milliseconds(Int64.random(in: 10...200, using: &generator))
        }
        let bound = min(Self.longest, Self.first * (1 << min(failures, 10)))
        failures += 1
        let milliseconds = Int64.random(in: 0...max(1, bound.components.seconds * 1000), using: &generator)
        return max(.milliseconds(milliseconds), min(retryAfter ?? .zero, .seconds(3600)))
    }
}
