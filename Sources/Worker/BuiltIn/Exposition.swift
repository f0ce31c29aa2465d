internal import ControlProtocol

/// Writes families of metrics in one of the formats, each once and whole.
struct Exposition {
    enum Kind: String, Sendable {
        case counter, gauge, histogram
        /// A gauge that is always 1, whose labels are what matters; its name ends in `_info`.
        case info
    }

    /// One series: label names and values, and the numbers that `MetricDefinition.numberCount` describes.
    struct Series {
        var labels: [(name: String, value: String)]
        var numbers: [Double]
        /// Of a histogram.
        var bounds: [Double] = []
    }

    let format: ExpositionFormat
    private var text = ""

    init(_ format: ExpositionFormat) { self.format = format }

    /// - Parameter name: whole, `_total` and `_info` included.
    mutating func write(_ name: String, _ kind: Kind, help: String, unit: String = "", series: [Series]) {
        let family = familyName(name, kind)
        text += "# HELP \(family) \(escapedHelp(help))\n"
        text += "# TYPE \(family) \(kind == .info && format == .text ? "gauge" : kind.rawValue)\n"
        if format == .openMetrics, !unit.isEmpty { text += "# UNIT \(family) \(unit)\n" }
        for one in series {
            kind == .histogram ? writeHistogram(name, one) : writeSample(name, one.labels, one.numbers.first ?? 0)
        }
    }

    /// The whole text.
    consuming func finish() -> String { format == .openMetrics ? text + "# EOF\n" : text }

    private func familyName(_ name: String, _ kind: Kind) -> String {
        guard format == .openMetrics else { return name }
        switch kind {
        case .counter: return String(name.dropLast("_total".utf8.count))
        case .info: return String(name.dropLast("_info".utf8.count))
        case .gauge, .histogram: return name
        }
    }

    private mutating func writeHistogram(_ name: String, _ series: Series) {
        guard series.numbers.count == series.bounds.count + 2 else { return }
        var total = 0.0
        for (index, count) in series.numbers.dropFirst().enumerated() {
            total += count
            let bound = index < series.bounds.count ? boundText(series.bounds[index]) : "+Inf"
            writeSample("\(name)_bucket", series.labels + [("le", bound)], total)
        }
        writeSample("\(name)_sum", series.labels, series.numbers[0])
        writeSample("\(name)_count", series.labels, total)
    }

    private mutating func writeSample(_ name: String, _ labels: [(name: String, value: String)], _ value: Double) {
        text += name
        if !labels.isEmpty {
            text += "{"
            text += labels.map { "\($0.name)=\"\(escaped($0.value))\"" }.joined(separator: ",")
            text += "}"
        }
        text += " \(Self.number(value))\n"
    }

    /// OpenMetrics writes a bound as a float always; the text format as short as it can be.
    private func boundText(_ bound: Double) -> String {
        format == .openMetrics ? "\(bound)" : Self.number(bound)
    }

    static func number(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
        // Whole numbers that a double holds exactly.
        if abs(value) <= 9_007_199_254_740_992, value == value.rounded() { return "\(Int64(value))" }
        return "\(value)"
    }

    private func escapedHelp(_ text: String) -> String {
        format == .openMetrics ? escaped(text) : Self.escape(text, quotes: false)
    }

    private func escaped(_ text: String) -> String { Self.escape(text, quotes: true) }

    private static func escape(_ text: String, quotes: Bool) -> String {
        let isPlain = text.utf8.allSatisfy {
            $0 != UInt8(ascii: "\\") && $0 != UInt8(ascii: "\n") && ($0 != UInt8(ascii: "\"") || !quotes)
        }
        guard !isPlain else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\"" where quotes: result += "\\\""
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
