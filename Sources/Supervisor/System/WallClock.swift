import CLinux
import Glibc

/// The time of day, for logs and receipts; the machine uses CLOCK_MONOTONIC alone.
struct WallClock: Equatable, Sendable {
    var seconds: Int
    var nanoseconds: Int

    static func now() -> WallClock {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallClock(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
    }

    /// Since 1970.
    var interval: Double { Double(seconds) + Double(nanoseconds) / 1e9 }

    /// RFC 3339 in UTC with milliseconds: `2026-11-22T22:01:02.003Z`.
    var text: String {
        var parts = tm()
        var time = time_t(seconds)
        guard gmtime_r(&time, &parts) != nil else { return "-" }
        let date = "\(Int(parts.tm_year) + 1900)-\(padded(parts.tm_mon + 1))-\(padded(parts.tm_mday))"
        let clock = "\(padded(parts.tm_hour)):\(padded(parts.tm_min)):\(padded(parts.tm_sec))"
        return "\(date)T\(clock).\(padded(CInt(truncatingIfNeeded: nanoseconds / 1_000_000), 3))Z"
    }

    private func padded(_ number: CInt, _ width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

func monotonicNow() -> Instant { clinux_monotonic_now() }
