import Glibc

/// A moment, to the millisecond; on the wire in UTC as RFC 3339 writes it: `2026-11-24T18:30:00.125Z`.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Since 1970.
    public var milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }
    public init(seconds: Int64) { self.init(milliseconds: seconds.multipliedReportingOverflow(by: 1000).partialValue) }

    public static func now() -> Self {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Self(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    }

    public static func < (left: Self, right: Self) -> Bool { left.milliseconds < right.milliseconds }

    public static func + (time: Self, duration: Duration) -> Self {
        Self(milliseconds: time.milliseconds.addingReportingOverflow(duration.wholeMilliseconds).partialValue)
    }

    public static func - (time: Self, duration: Duration) -> Self { time + (.zero - duration) }

    public static func - (left: Self, right: Self) -> Duration {
        .milliseconds(left.milliseconds.subtractingReportingOverflow(right.milliseconds).partialValue)
    }

    public var description: String {
        var seconds = time_t(milliseconds / 1000)
        var rest = milliseconds % 1000
        if rest < 0 {
            rest += 1000
            seconds -= 1
        }
        var date = tm()
        guard gmtime_r(&seconds, &date) != nil else { return "\(milliseconds) ms" }
        func digits(_ value: some BinaryInteger, _ count: Int) -> String {
            let text = String(value)
            return String(repeating: "0", count: max(0, count - text.count)) + text
        }
        return digits(Int(date.tm_year) + 1900, 4) + "-" + digits(date.tm_mon + 1, 2) + "-" + digits(date.tm_mday, 2)
            + "T" + digits(date.tm_hour, 2) + ":" + digits(date.tm_min, 2) + ":" + digits(date.tm_sec, 2) + "."
            + digits(rest, 3) + "Z"
    }

    /// Reads what `description` writes, with or without a fraction; nil for anything else, another zone included.
    public init?(_ text: some StringProtocol) {
        let bytes = Array(text.utf8)
        guard (20...30).contains(bytes.count), bytes.last == UInt8(ascii: "Z") else { return nil }
        func number(_ range: Range<Int>) -> Int? {
            guard bytes[range].allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return bytes[range].reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }
        let marks: [(Int, Unicode.Scalar)] = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")]
        guard marks.allSatisfy({ bytes[$0.0] == UInt8(ascii: $0.1) }), let year = number(0..<4),
            let month = number(5..<7), (1...12).contains(month), let day = number(8..<10), (1...31).contains(day),
            let hour = number(11..<13), hour < 24, let minute = number(14..<16), minute < 60,
            let second = number(17..<19), second < 60
        else { return nil }
        var milliseconds = 0
        if bytes.count > 20 {
            guard bytes[19] == UInt8(ascii: "."), bytes.count > 21, number(20..<bytes.count - 1) != nil else {
                return nil
            }
            let digits = bytes[20..<bytes.count - 1].prefix(3).map { Int($0 - 0x30) }
            milliseconds = digits.reduce(0) { $0 * 10 + $1 } * [100, 10, 1][digits.count - 1]
        }
        var date = tm()
        date.tm_year = CInt(year - 1900)
        date.tm_mon = CInt(month - 1)
        date.tm_mday = CInt(day)
        date.tm_hour = CInt(hour)
        date.tm_min = CInt(minute)
        date.tm_sec = CInt(second)
        self.init(milliseconds: Int64(timegm(&date)) * 1000 + Int64(milliseconds))
    }
}

extension Timestamp: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let time = Self(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "it is not a time like 2026-11-24T18:30:00Z")
        }
        self = time
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

extension Duration {
    /// Cut to what Int64 holds.
    public var wholeMilliseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1000)
        return overflow ? (seconds < 0 ? .min : .max) : scaled &+ attoseconds / 1_000_000_000_000_000
    }
}
