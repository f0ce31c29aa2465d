/// Lengths of time: `250ms`, `10s`, `5m`, `1h30m`, `7d`.
enum DurationText {
    static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1_000),
    ]

    /// Nanoseconds. Units go from large to small, each once; zero needs none.
    static func parse(_ text: String) throws(ScalarProblem) -> Int64 {
        if text == "0" { return 0 }
        var total: Int64 = 0
        var previous: Int64 = .max
        var rest = text[...]
        if rest.isEmpty { throw ScalarProblem() }
        while !rest.isEmpty {
            let part = try QuantityPart(&rest)
            if part.unit.isEmpty { throw ScalarProblem("it has no unit; write \(text)s for seconds") }
            guard let unit = units.first(where: { $0.name == part.unit }) else {
                throw ScalarProblem("\(quoted(part.unit)) is not a unit of time; the units are d, h, m, s, ms and us")
            }
            guard unit.nanoseconds < previous else {
                throw ScalarProblem("units go from large to small, each once")
            }
            previous = unit.nanoseconds
            let (product, overflow) = part.count.multipliedReportingOverflow(by: unit.nanoseconds)
            let (sum, sumOverflow) = total.addingReportingOverflow(product)
            if overflow || sumOverflow { throw ScalarProblem("it is too long") }
            total = sum
        }
        return total
    }
}

/// Numbers of bytes: `512`, `64KiB`, `10MB`.
enum BytesText {
    static let units: [(name: String, bytes: Int64)] = [
        ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40),
        ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000), ("TB", 1_000_000_000_000),
    ]

    static func parse(_ text: String) throws(ScalarProblem) -> Int64 {
        var rest = text[...]
        let part = try QuantityPart(&rest)
        guard rest.isEmpty else { throw ScalarProblem() }
        if part.unit.isEmpty { return part.count }
        guard let unit = units.first(where: { $0.name == part.unit }) else { throw wrongUnit(part) }
        let (product, overflow) = part.count.multipliedReportingOverflow(by: unit.bytes)
        if overflow { throw ScalarProblem("it is too large") }
        return product
    }

    private static func wrongUnit(_ part: QuantityPart) -> ScalarProblem {
        let lowered = part.unit.lowercased()
        if let unit = units.first(where: { $0.name.lowercased() == lowered }) {
            return ScalarProblem("write \(part.count)\(unit.name)")
        }
        if let letter = lowered.first, lowered.count == 1, "kmgt".contains(letter) {
            let large = letter.uppercased()
            return ScalarProblem("write \(part.count)\(large)iB (in steps of 1024) or \(part.count)\(large)B (of 1000)")
        }
        return ScalarProblem(
            "\(quoted(part.unit)) is not a unit; the units are \(listed(units.map(\.name), with: "and"))")
    }
}

/// Digits and the letters after them.
private struct QuantityPart {
    var count: Int64
    var unit: String

    /// Takes itself from the front of `rest`.
    init(_ rest: inout Substring) throws(ScalarProblem) {
        let whole = rest
        let digits = rest.prefix { $0.isASCII && $0.isWholeNumber }
        rest = rest.dropFirst(digits.count)
        if digits.isEmpty {
            throw ScalarProblem(whole.hasPrefix("-") ? "it cannot be negative" : nil)
        }
        if rest.first == "." || rest.first == "," {
            throw ScalarProblem("write a whole number of a smaller unit")
        }
        if rest.first == " " { throw ScalarProblem("leave out the blank before the unit") }
        let letters = rest.prefix { $0.isASCII && $0.isLetter }
        rest = rest.dropFirst(letters.count)
        if letters.isEmpty, !rest.isEmpty { throw ScalarProblem() }
        guard let count = Int64(digits) else { throw ScalarProblem("it is too large") }
        self.count = count
        self.unit = String(letters)
    }
}
