/// Numbers measured again and again.
struct Sample: Sendable {
    private(set) var values: [Double] = []

    init(_ values: [Double] = []) { self.values = values }

    mutating func add(_ value: Double) { values.append(value) }

    var isEmpty: Bool { values.isEmpty }

    /// The middle value, or the mean of the two middle ones; nil for no values.
    var median: Double? {
        guard !values.isEmpty else { return nil }
        let sorted = values.sorted()
        let middle = sorted.count / 2
        return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    }

    var least: Double? { values.min() }
    var greatest: Double? { values.max() }

    /// The value that `fraction` of the values do not exceed (nearest rank).
    func percentile(_ fraction: Double) -> Double? {
        guard !values.isEmpty else { return nil }
        let rank = Int((fraction * Double(values.count)).rounded(.up))
        return values.sorted()[min(max(rank, 1), values.count) - 1]
    }

    /// Two of the values between which the true median lies with at least 95 % confidence, whatever the distribution:
    /// the order statistics of the sign test. nil for fewer than 6 values, which cannot tell.
    var medianInterval: (low: Double, high: Double)? {
        let count = values.count
        guard count >= 6 else { return nil }
        // P(X ≤ k) for X binomial(count, 1/2) stays below 2.5 % while k is at most `rank`.
        var term = 1.0
        for _ in 0..<count { term /= 2 }
        var cumulative = term
        var rank = 0
        while rank + 1 < count / 2 {
            term = term * Double(count - rank) / Double(rank + 1)
            guard cumulative + term <= 0.025 else { break }
            cumulative += term
            rank += 1
        }
        let sorted = values.sorted()
        return (sorted[rank], sorted[count - 1 - rank])
    }
}
