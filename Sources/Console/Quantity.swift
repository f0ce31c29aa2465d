/// Numbers as a person reads them: three digits matter.
enum Quantity {
    /// `340 ms`, `2.4 s`, `45 s`, `12 min`, `3 h 20 min`, `5 d 4 h`.
    static func duration(seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "?" }
        if seconds < 0.9995 { return "\(Int((seconds * 1000).rounded())) ms" }
        if seconds < 9.95 { return "\(decimal(seconds)) s" }
        return span(seconds)
    }

    /// A duration for a column: `45s`, `12m`, `3h20m`, `5d4h`.
    static func uptime(seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0 else { return "?" }
        return span(seconds, units: ["s", "m", "h", "d"], joint: "")
    }

    private static func span(
        _ seconds: Double, units: [String] = [" s", " min", " h", " d"], joint: String = " "
    ) -> String {
        let whole = Int(min(seconds, 1e12).rounded(.down))
        let (minutes, hours, days) = (whole / 60, whole / 3600, whole / 86400)
        if whole < 60 { return "\(whole)\(units[0])" }
        if hours == 0 { return "\(minutes)\(units[1])" }
        let (large, largeUnit, small, smallUnit) =
            days == 0 ? (hours, units[2], minutes % 60, units[1]) : (days, units[3], hours % 24, units[2])
        return small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit)\(joint)\(small)\(smallUnit)"
    }

    /// `0`, `0.4`, `37`, `980`, `12.5k`, `3.1M`.
    static func rate(_ value: Double) -> String {
        guard value.isFinite, value >= 0 else { return "?" }
        switch value {
        case ..<0.05: return "0"
        case ..<9.95: return decimal(value)
        case ..<999.5: return "\(Int(value.rounded()))"
        case ..<999_950: return "\(decimal(value / 1e3))k"
        case ..<1e15: return "\(decimal(value / 1e6))M"
        default: return "?"
        }
    }

    /// A number for a column: `37`, `980`, `12.5k`, `3.1M`.
    static func short(_ count: UInt64) -> String { rate(Double(count)) }

    /// `812 B`, `9.4 MiB`.
    static func bytes(_ count: UInt64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1023.5, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 || value >= 99.5
            ? "\(Int(value.rounded())) \(units[unit])" : "\(decimal(value)) \(units[unit])"
    }

    /// `1 connection`, `2 connections`.
    static func count(_ number: Int, _ word: String) -> String { "\(number) \(word)\(number == 1 ? "" : "s")" }

    /// One digit after the point, none where it is 0.
    private static func decimal(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
