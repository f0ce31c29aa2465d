/// The forms that words of a manifest take. ASCII only, so that equal words have equal bytes.
enum ManifestPatterns {
    /// `com.example.inventory`: at least two labels of letters, digits and inner hyphens.
    static func isReverseDNS(_ text: String) -> Bool {
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return labels.count >= 2
            && labels.allSatisfy { label in
                let hyphen = UInt8(ascii: "-")
                return !label.isEmpty && label.first != hyphen && label.last != hyphen
                    && label.allSatisfy { isLetter($0) || isDigit($0) || $0 == hyphen }
            }
    }

    /// `max_entries`: lower-case words of letters and digits joined by `_`, a letter first.
    static func isName(_ text: some StringProtocol) -> Bool {
        let words = text.utf8.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
        guard let first = text.utf8.first, isLowerCase(first) else { return false }
        return words.allSatisfy { word in !word.isEmpty && word.allSatisfy { isLowerCase($0) || isDigit($0) } }
    }

    /// `cache.max_entries`: names joined by dots.
    static func isDottedName(_ text: String) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isName)
    }

    /// `muster-sweeper`: a file's name without a folder, of letters, digits, `.`, `_` and `-`, not beginning with a mark.
    static func isProgramName(_ text: String) -> Bool {
        guard let first = text.utf8.first, isLetter(first) || isDigit(first), text.utf8.count <= 64 else {
            return false
        }
        return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || "._-".utf8.contains($0) }
    }

    /// `vendor.name/1`.
    static func isExtensionID(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let name = parts.first, let revision = parts.last else { return false }
        return isReverseDNS(String(name)) && !revision.isEmpty && revision.utf8.allSatisfy(isDigit)
    }

    /// Semantic version 2.0.0 (semver.org): `1.4.2`, `1.0.0-rc.1+build.5`.
    static func isVersion(_ text: String) -> Bool {
        let halves = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
        guard let front = halves.first else { return false }
        if halves.count == 2, !areIdentifiers(halves[1], numbersHaveNoLeadingZero: false) { return false }
        let pieces = front.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        guard let core = pieces.first else { return false }
        if pieces.count == 2, !areIdentifiers(pieces[1], numbersHaveNoLeadingZero: true) { return false }
        let numbers = core.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 3 && numbers.allSatisfy(isNumber)
    }

    private static func areIdentifiers(_ text: Substring, numbersHaveNoLeadingZero: Bool) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { identifier in
            guard !identifier.isEmpty,
                identifier.utf8.allSatisfy({ isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "-") })
            else { return false }
            return !numbersHaveNoLeadingZero || !identifier.utf8.allSatisfy(isDigit) || isNumber(identifier)
        }
    }

    private static func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(isDigit) && (text.utf8.count == 1 || text.utf8.first != UInt8(ascii: "0"))
    }

    private static func isLowerCase(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { isLowerCase(byte | 0x20) }
    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}
