internal import Fleet

/// What a sweep came to, in words.
enum SweepWords {
    /// `1,204 files: 1,100 scanned, 90 unchanged since; 14 not: 4 excluded, 10 unreadable`.
    static func coverage(_ coverage: SweepCoverage) -> String {
        func some(_ parts: [(Int, String)]) -> [String] { parts.filter { $0.0 > 0 }.map { "\(grouped($0.0)) \($0.1)" } }
        let judged = some([(coverage.scanned, "scanned"), (coverage.cached, "unchanged since")])
        let left = some([
            (coverage.excluded, "excluded"), (coverage.special, "special"), (coverage.oversize, "too large"),
            (coverage.unreadable, "unreadable"), (coverage.changed, "changed meanwhile"),
            (coverage.timedOut, "timed out"), (coverage.engineErrors, "engine errors"),
        ])
        var text = "\(grouped(coverage.seen)) \(coverage.seen == 1 ? "file" : "files")"
        if !judged.isEmpty { text += ": " + judged.joined(separator: ", ") }
        if !left.isEmpty { text += "; not scanned: " + left.joined(separator: ", ") }
        return text
    }

    /// `1,234,567`.
    static func grouped(_ number: Int) -> String {
        var text = ""
        for (index, digit) in String(number.magnitude).reversed().enumerated() {
            if index > 0, index % 3 == 0 { text.append(",") }
            text.append(digit)
        }
        return (number < 0 ? "-" : "") + String(text.reversed())
    }
}
