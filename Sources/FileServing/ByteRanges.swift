/// What a Range header (RFC 9110 §14.2) asks of a representation.
enum ByteRanges: Equatable {
    /// Not a range of bytes, malformed, or unreasonable: answered as if the header were not there.
    case ignored
    /// None of the ranges reaches into the representation: 416.
    case unsatisfiable
    /// In the order asked for, none empty, all within the representation; at least one.
    case parts([Range<UInt64>])

    /// More ranges than this in one request are ignored (RFC 9110 §14.2 names the attack).
    static let maximumCount = 64
    /// More overlaps than this are ignored.
    static let maximumOverlaps = 2

    init(_ value: String, size: UInt64) {
        guard let specifiers = Self.specifiers(value) else {
            self = .ignored
            return
        }
        // Nothing can be said of the last bytes of nothing: the whole is the answer.
        if size == 0, specifiers.contains(where: { if case .last(let count) = $0 { count > 0 } else { false } }) {
            self = .ignored
            return
        }
        let parts = specifiers.compactMap { $0.part(of: size) }
        if parts.isEmpty {
            self = .unsatisfiable
        } else if Self.overlaps(parts) > Self.maximumOverlaps || !Self.isCountable(parts) {
            self = .ignored
        } else {
            self = .parts(parts)
        }
    }

    /// One `first-last`, `first-` or `-last`.
    private enum Specifier {
        case bounded(UInt64, UInt64)
        case from(UInt64)
        case last(UInt64)

        func part(of size: UInt64) -> Range<UInt64>? {
            switch self {
            case .bounded(let first, let last): first < size ? first..<(min(last, size - 1) + 1) : nil
            case .from(let first): first < size ? first..<size : nil
            case .last(let count): count > 0 && size > 0 ? (size - min(count, size))..<size : nil
            }
        }
    }

    /// Nil where the value is not a valid set of byte ranges.
    private static func specifiers(_ value: String) -> [Specifier]? {
        guard let equals = value.firstIndex(of: "="), value[..<equals].lowercased() == "bytes" else { return nil }
        var found: [Specifier] = []
        for element in value[value.index(after: equals)...].split(separator: ",") {
            let element = element.trimmingBlanks
            guard !element.isEmpty else { continue }
            guard found.count < maximumCount, let specifier = specifier(element) else { return nil }
            found.append(specifier)
        }
        return found.isEmpty ? nil : found
    }

    private static func specifier(_ text: Substring) -> Specifier? {
        guard let dash = text.firstIndex(of: "-") else { return nil }
        let before = text[..<dash]
        let after = text[text.index(after: dash)...]
        switch (before.isEmpty, after.isEmpty) {
        case (true, true): return nil
        case (true, false): return number(after).map { .last($0) }
        case (false, true): return number(before).map { .from($0) }
        case (false, false):
            guard let first = number(before), let last = number(after), first <= last else { return nil }
            return .bounded(first, last)
        }
    }

    /// A run of digits; a number too great to hold is as good as the greatest.
    private static func number(_ text: Substring) -> UInt64? {
        guard text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return UInt64(text) ?? .max
    }

    /// Whether the length of all parts, and of the lines between them, is a number that can be held.
    private static func isCountable(_ parts: [Range<UInt64>]) -> Bool {
        var total: UInt64 = 1 << 20
        for part in parts {
            let (sum, overflow) = total.addingReportingOverflow(part.upperBound - part.lowerBound)
            guard !overflow else { return false }
            total = sum
        }
        return true
    }

    private static func overlaps(_ parts: [Range<UInt64>]) -> Int {
        let sorted = parts.sorted { $0.lowerBound < $1.lowerBound }
        var reached: UInt64 = 0
        var count = 0
        for part in sorted {
            if part.lowerBound < reached { count += 1 }
            reached = max(reached, part.upperBound)
        }
        return count
    }
}
