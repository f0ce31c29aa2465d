/// What an answer to a scrape says, read as strictly as a reader may: whatever breaks the format is an error.
///
/// Sources: "Exposition formats" (prometheus.io), and OpenMetrics 1.0.0 (openmetrics.io).
public struct ScrapedMetrics {
    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    public struct Sample: Equatable {
        public var name: String
        public var labels: [String: String]
        public var value: Double
    }

    public struct Family {
        public var name: String
        public var type: String
        public var help: String
        public var unit = ""
        public var samples: [Sample] = []
    }

    public let isOpenMetrics: Bool
    public private(set) var families: [Family] = []
    private var seen: Set<String> = []

    public init(_ text: String, isOpenMetrics: Bool = false) throws {
        self.isOpenMetrics = isOpenMetrics
        guard text.utf8.last == UInt8(ascii: "\n") else { throw Failure(description: "the last line does not end") }
        guard !text.utf8.contains(UInt8(ascii: "\r")) else { throw Failure(description: "a carriage return") }
        // Not split(separator:) of characters: a combining mark after a line break would hide it.
        var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
            String($0) ?? ""
        }
        lines.removeLast()
        if isOpenMetrics {
            guard lines.last == "# EOF" else { throw Failure(description: "no # EOF at the end") }
            lines.removeLast()
        }
        for (number, line) in lines.enumerated() {
            do { try read(line) } catch let failure as Failure {
                throw Failure(description: "line \(number + 1), \(line): \(failure.description)")
            }
        }
        for family in families { try check(family) }
    }

    /// The value of a series; nil where there is none.
    public func value(_ name: String, _ labels: [String: String] = [:]) -> Double? {
        families.lazy.flatMap(\.samples).first { $0.name == name && $0.labels == labels }?.value
    }

    public func family(_ name: String) -> Family? { families.first { $0.name == name } }

    // MARK: Lines

    private mutating func read(_ line: String) throws {
        var scanner = Scanner(line)
        guard scanner.skip("# ") else { return try readSample(&scanner) }
        let keyword = scanner.word()
        try scanner.expect(" ")
        let name = try scanner.name()
        guard !scanner.isAtEnd, scanner.skip(" ") else { throw Failure(description: "nothing follows the name") }
        switch keyword {
        case "HELP":
            guard !families.contains(where: { $0.name == name }) else { throw Failure(description: "a second HELP") }
            families.append(Family(name: name, type: "", help: scanner.rest()))
        case "TYPE":
            let known = ["counter", "gauge", "histogram"] + (isOpenMetrics ? ["info"] : [])
            try update(name) { family in
                let type = scanner.rest()
                guard family.type.isEmpty, family.samples.isEmpty, known.contains(type) else {
                    throw Failure(description: "a second, late or unknown TYPE")
                }
                family.type = type
            }
        case "UNIT" where isOpenMetrics:
            try update(name) { family in
                family.unit = scanner.rest()
                guard family.name.hasSuffix("_\(family.unit)") else {
                    throw Failure(description: "the unit is not in the name")
                }
            }
        default: throw Failure(description: "an unknown comment")
        }
    }

    /// All of a family stands together, so that only the last one may be added to.
    private mutating func update(_ name: String, _ body: (inout Family) throws -> Void) throws {
        guard families.last?.name == name else { throw Failure(description: "\(name) was not announced just before") }
        try body(&families[families.count - 1])
    }

    private mutating func readSample(_ scanner: inout Scanner) throws {
        let name = try scanner.name()
        var labels: [String: String] = [:]
        var order: [String] = []
        if scanner.skip("{") {
            repeat {
                let label = try scanner.name()
                try scanner.expect("=")
                guard labels.updateValue(try scanner.quoted(), forKey: label) == nil else {
                    throw Failure(description: "the label \(label) twice")
                }
                order.append(label)
            } while scanner.skip(",")
            try scanner.expect("}")
        }
        try scanner.expect(" ")
        let text = scanner.rest()
        guard let value = Self.number(text) else { throw Failure(description: "\(text) is no number") }
        let key = name + labels.sorted { $0.key < $1.key }.map { "{\($0.key)=\($0.value)}" }.joined()
        guard seen.insert(key).inserted else { throw Failure(description: "the series is here twice") }
        guard let family = families.last, Self.names(of: family, isOpenMetrics).contains(name), !family.type.isEmpty
        else {
            throw Failure(description: "it does not belong to the family before it")
        }
        families[families.count - 1].samples.append(Sample(name: name, labels: labels, value: value))
    }

    private static func names(of family: Family, _ isOpenMetrics: Bool) -> [String] {
        switch family.type {
        case "histogram": ["_bucket", "_sum", "_count"].map { family.name + $0 }
        case "counter" where isOpenMetrics: [family.name + "_total"]
        case "info": [family.name + "_info"]
        default: [family.name]
        }
    }

    /// As Go's ParseFloat reads what we may write.
    private static func number(_ text: String) -> Double? {
        switch text {
        case "+Inf": .infinity
        case "-Inf": -.infinity
        case "NaN": .nan
        default: text.utf8.allSatisfy { "0123456789+-.e".utf8.contains($0) } ? Double(text) : nil
        }
    }

    // MARK: Families

    private func check(_ family: Family) throws {
        func fail(_ what: String) -> Failure { Failure(description: "\(family.name): \(what)") }
        guard !family.type.isEmpty, !family.help.isEmpty else { throw fail("no TYPE or HELP") }
        switch family.type {
        case "counter":
            guard family.name.hasSuffix("_total") != isOpenMetrics else { throw fail("a counter's name") }
            guard family.samples.allSatisfy({ $0.value >= 0 }) else { throw fail("a counter below 0") }
        case "histogram": try checkHistogram(family, fail)
        default: break
        }
    }

    private func checkHistogram(_ family: Family, _ fail: (String) -> Failure) throws {
        let series = Dictionary(grouping: family.samples) { $0.labels.filter { $0.key != "le" } }
        for samples in series.values {
            let buckets = samples.filter { $0.name.hasSuffix("_bucket") }
            let bounds = buckets.compactMap { $0.labels["le"].flatMap(Self.number) }
            guard bounds.count == buckets.count, bounds.last == .infinity, zip(bounds, bounds.dropFirst()).allSatisfy(<)
            else { throw fail("bounds \(bounds)") }
            let counts = buckets.map(\.value)
            guard zip(counts, counts.dropFirst()).allSatisfy(<=) else { throw fail("buckets that shrink: \(counts)") }
            guard samples.first(where: { $0.name.hasSuffix("_count") })?.value == counts.last,
                samples.count(where: { $0.name.hasSuffix("_sum") }) == 1, samples.count == buckets.count + 2
            else { throw fail("the count is not the last bucket's, or there is no sum") }
        }
    }
}

/// Goes through one line, byte by byte.
private struct Scanner {
    private var bytes: ArraySlice<UInt8>

    init(_ line: String) { bytes = Array(line.utf8)[...] }

    var isAtEnd: Bool { bytes.isEmpty }

    mutating func skip(_ text: String) -> Bool {
        guard bytes.starts(with: text.utf8) else { return false }
        bytes.removeFirst(text.utf8.count)
        return true
    }

    mutating func expect(_ text: String) throws {
        guard skip(text) else { throw ScrapedMetrics.Failure(description: "expected '\(text)' before '\(rest())'") }
    }

    mutating func word() -> String { take { $0 != UInt8(ascii: " ") } }

    mutating func rest() -> String { take { _ in true } }

    mutating func name() throws -> String {
        let name = take { byte in
            byte == UInt8(ascii: "_") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        }
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            throw ScrapedMetrics.Failure(description: "a name is missing before '\(rest())'")
        }
        return name
    }

    mutating func quoted() throws -> String {
        try expect("\"")
        var text: [UInt8] = []
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "\""):
                guard let text = String(validating: text, as: UTF8.self) else { break }
                return text
            case UInt8(ascii: "\\"):
                switch bytes.popFirst() {
                case UInt8(ascii: "n"): text.append(UInt8(ascii: "\n"))
                case UInt8(ascii: "\\"): text.append(UInt8(ascii: "\\"))
                case UInt8(ascii: "\""): text.append(UInt8(ascii: "\""))
                default: throw ScrapedMetrics.Failure(description: "an unknown escape")
                }
            default: text.append(byte)
            }
        }
        throw ScrapedMetrics.Failure(description: "a label's value does not end")
    }

    private mutating func take(while condition: (UInt8) -> Bool) -> String {
        let taken = bytes.prefix(while: condition)
        bytes = bytes.dropFirst(taken.count)
        return String(decoding: taken, as: UTF8.self)
    }
}
