internal import Glibc

/// Points in time.
enum Moment {
    /// `2026-11-22 21:56:05 UTC`, of seconds since 1970.
    static func text(_ seconds: Double) -> String {
        guard seconds.isFinite, abs(seconds) < 1e11 else { return "an unknown time" }
        var time = time_t(seconds)
        var parts = tm()
        guard gmtime_r(&time, &parts) != nil else { return "an unknown time" }
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let date = "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
        return "\(date) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) UTC"
    }
}
