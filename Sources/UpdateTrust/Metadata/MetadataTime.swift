internal import Glibc

/// A moment as metadata writes it: `2030-01-31T23:59:59Z`, UTC, whole seconds (TUF section 4.2.1).
public struct MetadataTime: Hashable, Sendable, Comparable, CustomStringConvertible {
    /// Since 1970.
    public var seconds: Int64

    public init(seconds: Int64) { self.seconds = seconds }

    /// What the system's clock says (time(2)).
    public static func now() -> MetadataTime { MetadataTime(seconds: Int64(time(nil))) }

    /// nil unless it is written exactly so, and is a day of the calendar.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 20 else { return nil }
        for (index, mark) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, "Z")]
        where bytes[index] != mark.utf8.first { return nil }
        func number(_ range: Range<Int>) -> Int? {
            var value = 0
            for byte in bytes[range] {
                guard (0x30...0x39).contains(byte) else { return nil }
                value = value * 10 + Int(byte - 0x30)
            }
            return value
        }
        guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
            let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
            year > 0, (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day), hour < 24,
            minute < 60, second < 60
        else { return nil }
        let days = Self.days(before: year, month) + day - 1 - Self.days(before: 1970, 1)
        seconds = Int64(((days * 24 + hour) * 60 + minute) * 60 + second)
    }

    public static func < (left: Self, right: Self) -> Bool { left.seconds < right.seconds }

    public var description: String {
        var (broken, time) = (tm(), time_t(seconds))
        gmtime_r(&time, &broken)
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let year = String(broken.tm_year + 1900)
        return String(repeating: "0", count: max(0, 4 - year.count))
            + "\(year)-\(two(broken.tm_mon + 1))-\(two(broken.tm_mday))"
            + "T\(two(broken.tm_hour)):\(two(broken.tm_min)):\(two(broken.tm_sec))Z"
    }

    private static func isLeap(_ year: Int) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    private static func days(in month: Int, of year: Int) -> Int {
        [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    /// Since 1 January of the year 1.
    private static func days(before year: Int, _ month: Int) -> Int {
        let years = year - 1
        return years * 365 + years / 4 - years / 100 + years / 400
            + (1..<month).reduce(0) { $0 + days(in: $1, of: year) }
    }
}
