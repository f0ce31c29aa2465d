internal import Fleet

/// Points in time, as seen from now.
enum Age {
    /// `just now`, `40 seconds ago`, `3 minutes ago`, `2 hours ago`, `5 days ago`, `in 3 minutes`.
    static func text(_ time: Timestamp, now: Timestamp) -> String {
        let (past, overflow) = now.milliseconds.subtractingReportingOverflow(time.milliseconds)
        guard !overflow, past != .min, abs(past) < 100_000 * 86_400_000 else { return "an unknown time" }
        let seconds = Int(abs(past) / 1000)
        if seconds < 5 { return "just now" }
        let text = span(seconds: seconds)
        return past < 0 ? "in \(text)" : "\(text) ago"
    }

    /// `40 seconds`, `1 hour`, `5 days`: one unit, cut down.
    static func span(seconds: Int) -> String {
        switch seconds {
        case ..<60: Quantity.count(seconds, "second")
        case ..<3600: Quantity.count(seconds / 60, "minute")
        case ..<86_400: Quantity.count(seconds / 3600, "hour")
        default: Quantity.count(seconds / 86_400, "day")
        }
    }

    /// A point in time, and how long ago it is: `2026-11-24 18:30:00 UTC (3 minutes ago)`.
    static func full(_ time: Timestamp, now: Timestamp) -> String {
        "\(Moment.text(Double(time.milliseconds) / 1000)) (\(text(time, now: now)))"
    }
}
