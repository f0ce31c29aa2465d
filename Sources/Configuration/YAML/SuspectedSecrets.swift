/// What might be a secret in a text that cannot be parsed, or where no manifest says so: the value of a key whose name
/// sounds like one. To mask too much is harmless here; to show a password is not.
enum SuspectedSecrets {
    private static let words = [
        "secret", "token", "passw", "passphrase", "credential", "private", "auth", "key", "pin",
    ].map { Array($0.utf8) }
    /// How far above a line the key may be whose block it belongs to: a private key has some fifty lines.
    private static let blockLength = 200

    /// Whether a key's name sounds like a secret's.
    static func isSuspicious(_ name: String) -> Bool {
        isSuspicious(NearestName.folded(name)[...])
    }

    private static func isSuspicious(_ folded: ArraySlice<UInt8>) -> Bool {
        folded.indices.contains { index in words.contains { folded[index...].starts(with: $0) } }
    }

    /// The parts of one line that are masked: all after the first suspicious word; or a whole line without a colon
    /// below a line with such a word, which may be a line of a block.
    static func spans(of source: SourceText, onLine number: Int) -> [SourceSpan] {
        let scalars = Array(source.line(number).unicodeScalars)
        if let end = endOfSuspiciousWord(in: scalars) { return [span(number, from: end, to: scalars.count)] }
        guard !scalars.contains(":") else { return [] }
        for above in stride(from: number - 1, through: max(1, number - blockLength), by: -1) {
            let line = Array(source.line(above).unicodeScalars)
            if endOfSuspiciousWord(in: line) != nil { return [span(number, from: 0, to: scalars.count)] }
            if line.contains(":") { break }
        }
        return []
    }

    private static func span(_ line: Int, from start: Int, to end: Int) -> SourceSpan {
        SourceSpan(SourcePosition(line: line, column: start + 1), SourcePosition(line: line, column: end + 1))
    }

    /// Where the value after the first suspicious word of a line begins.
    private static func endOfSuspiciousWord(in line: [Unicode.Scalar]) -> Int? {
        var start = 0
        while start < line.count {
            guard isWordPart(line[start]) else {
                start += 1
                continue
            }
            var end = start
            while end < line.count, isWordPart(line[end]) { end += 1 }
            // Parts of words are ASCII.
            if isSuspicious(line[start..<end].map { UInt8(truncatingIfNeeded: $0.value) | 0x20 }[...]) {
                while end < line.count, " :\"'".unicodeScalars.contains(line[end]) { end += 1 }
                return end
            }
            start = end
        }
        return nil
    }

    private static func isWordPart(_ scalar: Unicode.Scalar) -> Bool {
        UInt8(exactly: scalar.value).map { $0.isLetter || $0.isDigit } ?? false || scalar == "_" || scalar == "-"
    }
}
