internal import Glibc

/// The present time as an IMF-fixdate (RFC 9110 section 5.6.7), written anew once a second. Used on one thread.
final class HTTPDate {
    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    static let length = 29

    private let text: UnsafeMutablePointer<UInt8>
    private var second: time_t = -1

    init() {
        text = .allocate(capacity: Self.length)
        text.initialize(repeating: UInt8(ascii: " "), count: Self.length)
    }

    deinit { text.deallocate() }

    /// `length` bytes, good until the next call.
    func current() -> UnsafePointer<UInt8> {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &now)
        if now.tv_sec != second { write(now.tv_sec) }
        return UnsafePointer(text)
    }

    /// What was written last.
    var written: String { String(decoding: UnsafeBufferPointer(start: text, count: Self.length), as: UTF8.self) }

    /// Writes the date of a point in time, in seconds since 1970.
    func write(_ time: time_t) {
        second = time
        var seconds = time
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let days: StaticString = "SunMonTueWedThuFriSat"
        let months: StaticString = "JanFebMarAprMayJunJulAugSepOctNovDec"
        let year = Int(parts.tm_year) + 1900
        name(days, Int(parts.tm_wday), at: 0)
        text[3] = UInt8(ascii: ",")
        number(Int(parts.tm_mday), at: 5)
        name(months, Int(parts.tm_mon), at: 8)
        number(year / 100, at: 12)
        number(year % 100, at: 14)
        number(Int(parts.tm_hour), at: 17)
        text[19] = UInt8(ascii: ":")
        number(Int(parts.tm_min), at: 20)
        text[22] = UInt8(ascii: ":")
        number(Int(parts.tm_sec), at: 23)
        name("GMT", 0, at: 26)
    }

    private func name(_ names: StaticString, _ index: Int, at place: Int) {
        guard index >= 0, (index + 1) * 3 <= names.utf8CodeUnitCount else { return }
        (text + place).update(from: names.utf8Start + index * 3, count: 3)
    }

    private func number(_ value: Int, at place: Int) {
        text[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / 10 % 10)
        text[place + 1] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value % 10)
    }
}

/// CLOCK_MONOTONIC, coarse (a few milliseconds), nanoseconds: cheap enough for every request.
func coarseNow() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}

/// CLOCK_MONOTONIC, nanoseconds, exact: what the coarse clock cannot tell apart is most of what requests take.
func exactNow() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(now.tv_sec) * 1_000_000_000 + UInt64(now.tv_nsec)
}
