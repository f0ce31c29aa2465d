/// What a metric of a plugin is: `muster_metric_spec` of `muster/ext/metrics.h` as a value.
public struct MetricDefinition: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, Equatable, Sendable {
        case counter, gauge, histogram
    }

    public var kind: Kind
    public var name: String
    public var help: String
    /// Empty: none.
    public var unit: String
    public var labels: [String]
    /// Of a histogram: upper bounds, ascending, without the last, which is infinite.
    public var bounds: [Double]

    public init(kind: Kind, name: String, help: String, unit: String, labels: [String], bounds: [Double]) {
        self.kind = kind
        self.name = name
        self.help = help
        self.unit = unit
        self.labels = labels
        self.bounds = bounds
    }

    /// How many numbers a series has: one; for a histogram the sum, then a count for each bound and one for the rest,
    /// each without those before it.
    public var numberCount: Int { kind == .histogram ? bounds.count + 2 : 1 }

    /// The name without what a counter's ends in: no two metrics may have the same.
    public var familyName: String { name.hasSuffix("_total") ? String(name.dropLast("_total".utf8.count)) : name }

    /// Whether the numbers of a series mean the same by both.
    public func counts(the other: MetricDefinition) -> Bool {
        kind == other.kind && labels == other.labels && bounds == other.bounds
    }
}

/// How much one component may have.
public enum MetricLimits {
    public static let metrics = 256
    public static let series = 2_000
    public static let labels = 8
    public static let bounds = 32
    /// Bytes of a name or of a label's value.
    public static let text = 128
    /// Bytes of a line of help.
    public static let help = 1024
}

extension MetricDefinition {
    /// Which rule of `muster/ext/metrics.h` it breaks, as a sentence for the plugin's author; nil: none.
    ///
    /// The worker tells the plugin; the supervisor asks again, since a worker may be anything by the time it reports.
    public var problem: String? {
        nameProblem ?? labelProblem ?? boundsProblem
    }

    private var nameProblem: String? {
        guard Self.isName(name) else {
            return "the name of a metric is made of letters, digits and '_', a letter first, and has at most "
                + "\(MetricLimits.text) bytes"
        }
        if name.hasPrefix("muster_") || name.hasPrefix("process_") {
            return "\(name): names that begin with muster_ or process_ are the host's"
        }
        guard (kind == .counter) == name.hasSuffix("_total"), name != "_total" else {
            return kind == .counter
                ? "\(name): the name of a counter ends in _total" : "\(name): only the name of a counter ends in _total"
        }
        if let ending = Self.reservedEndings.first(where: familyName.hasSuffix) {
            return "\(name): the ending \(ending) means something else to Prometheus"
        }
        guard !help.isEmpty, help.utf8.count <= MetricLimits.help else {
            return "\(name): its help is missing, or has more than \(MetricLimits.help) bytes"
        }
        guard unit.isEmpty || (Self.isName(unit) && familyName.hasSuffix("_\(unit)")) else {
            return "\(name): a metric with a unit ends with it\(kind == .counter ? ", before _total" : "")"
        }
        return nil
    }

    private var labelProblem: String? {
        guard labels.count <= MetricLimits.labels else {
            return "\(name): it has more than \(MetricLimits.labels) labels"
        }
        guard labels.allSatisfy(Self.isName) else {
            return "\(name): the name of a label is made of letters, digits and '_', a letter first"
        }
        if let taken = labels.first(where: Self.reservedLabels.contains) {
            return "\(name): the label '\(taken)' is the host's"
        }
        return Set(labels).count == labels.count ? nil : "\(name): it has a label twice"
    }

    private var boundsProblem: String? {
        guard kind == .histogram else { return bounds.isEmpty ? nil : "\(name): only a histogram has buckets" }
        let isAscending = zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }
        guard (1...MetricLimits.bounds).contains(bounds.count), isAscending, bounds.allSatisfy(\.isFinite) else {
            return "\(name): the buckets are 1 to \(MetricLimits.bounds) finite numbers, each above the one before"
        }
        return nil
    }

    private static let reservedEndings = ["_bucket", "_count", "_sum", "_created", "_info", "_total"]
    private static let reservedLabels: Set<String> = ["component", "le", "quantile"]

    /// Without the colon, which Prometheus keeps for rules, and without a leading `_`.
    private static func isName(_ text: String) -> Bool {
        func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        guard let first = text.utf8.first, isLetter(first), text.utf8.count <= MetricLimits.text else { return false }
        return text.utf8.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
    }
}
