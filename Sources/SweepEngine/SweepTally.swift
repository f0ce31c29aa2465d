import Fleet
import Glibc

/// Says in sentences what a sweep did not look at, and fits its report into its bounds.
struct SweepTally {
    /// Paths that could not be looked at.
    var troubles: [String] = []
    private var reasons: [String] = []

    /// Bytes of a reason.
    private static let reasonLimit = 300
    private static let troubleLimit = 8

    mutating func take(_ visitor: SweepVisitor) {
        let coverage = visitor.coverage
        func add(_ count: Int, _ sentence: (String) -> String) {
            if count > 0 { reasons.append(sentence(count == 1 ? "1 file" : "\(count) files")) }
        }
        add(coverage.unreadable) { count in
            let causes = visitor.readFailures.sorted { ($0.value, $1.key) > ($1.value, $0.key) }.prefix(3)
                .map { "\(String(cString: strerror($0.key))) (\($0.value))" }
            let first = visitor.firstUnreadable.map { Self.cut("; the first is \($0)", to: 200) } ?? ""
            return "\(count) or folders could not be read: \(causes.joined(separator: ", "))\(first)."
        }
        add(coverage.oversize) { "\($0) larger than this machine's limit, not read." }
        add(coverage.changed) { "\($0) changed while being read, twice." }
        add(coverage.timedOut) { "\($0) took too long." }
        add(coverage.engineErrors) { count in
            "\(count) could not be judged; the first is \(visitor.firstEngineError ?? "not known")."
        }
    }

    /// - Parameter detections: all that there are.
    func complete(
        _ report: SweepReport, _ detections: [Detection], stopped: SweepControl.Reason?, _ rules: SweepRules
    ) -> SweepReport {
        var report = report
        switch stopped {
        case .cancelled: report.reasons.append("It was cancelled before its end.")
        case .outOfTime: report.reasons.append("Its time was over before its end.")
        case .handedOver: report.reasons.append("The component was reloaded or stopped before its end.")
        case nil: break
        }
        report.reasons += troubles.prefix(Self.troubleLimit)
        if troubles.count > Self.troubleLimit {
            report.reasons.append("\(troubles.count - Self.troubleLimit) further paths could not be looked at.")
        }
        report.reasons += reasons
        report.reasons = report.reasons.map { Self.cut($0, to: Self.reasonLimit) }
        report.isComplete = report.reasons.isEmpty
        report.detections = Self.fitting(detections, into: rules.reportLimit - Self.size(of: report))
        return report
    }

    /// As many as there is room for as JSON, in order.
    private static func fitting(_ detections: [Detection], into bytes: Int) -> [Detection] {
        var left = bytes
        var fitting: [Detection] = []
        for detection in detections {
            left -= size(of: detection) + 1
            guard left >= 0 else { break }
            fitting.append(detection)
        }
        return fitting
    }

    /// Bytes as JSON.
    private static func size(of value: some Encodable) -> Int {
        // Texts and numbers can always be written; were it otherwise, nothing more would fit.
        (try? FleetJSON.encode(value).count) ?? .max / 2
    }

    /// Cut between characters.
    private static func cut(_ text: String, to bytes: Int) -> String {
        guard text.utf8.count > bytes else { return text }
        var cut = ""
        for character in text where cut.utf8.count + character.utf8.count < bytes - 3 { cut.append(character) }
        return cut + "…"
    }
}
