/// A Content-Range of bytes (RFC 9110 section 14.4): `bytes 500-999/1000`.
struct ContentRange: Equatable {
    var first: UInt64
    var last: UInt64

    init?(_ text: String) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bytes" else { return nil }
        let halves = parts[1].split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]), first <= last,
            halves[1] == "*" || Self.number(halves[1]).map({ last < $0 }) == true
        else { return nil }
        (self.first, self.last) = (first, last)
    }

    private static func number(_ text: Substring) -> UInt64? {
        text.utf8.allSatisfy(ASCII.isDigit) ? UInt64(text) : nil
    }
}
