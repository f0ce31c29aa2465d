/// Spans of time as people type them: `90s`, `30m`, `24h`, `7d`, `2w`, `1h30m`.
public enum DurationText {
    /// nil for anything else: nothing, no unit, or more than 100 years.
    public static func read(_ text: String) -> Duration? {
        var seconds: Int64 = 0
        var number: Int64?
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                number = (number ?? 0) * 10 + Int64(byte - UInt8(ascii: "0"))
                guard number ?? 0 <= limit else { return nil }
            default:
                guard let count = number, let unit = unit(byte) else { return nil }
                seconds += count * unit
                number = nil
                guard seconds <= limit else { return nil }
            }
        }
        return number == nil && !text.isEmpty ? .seconds(seconds) : nil
    }

    private static let limit: Int64 = 100 * 366 * 86_400

    private static func unit(_ byte: UInt8) -> Int64? {
        switch byte {
        case UInt8(ascii: "s"): 1
        case UInt8(ascii: "m"): 60
        case UInt8(ascii: "h"): 3600
        case UInt8(ascii: "d"): 86_400
        case UInt8(ascii: "w"): 7 * 86_400
        default: nil
        }
    }
}
