internal import Fleet

/// How well a client is protected: each a word or two, which colour repeats.
enum TrafficLight {
    private static let day: Int64 = 86_400_000

    /// The last sweep of the whole machine: good for a week, due for a month, then overdue.
    static func sweep(_ sweep: ClientStatus.Sweep?, now: Timestamp) -> Table.Cell {
        guard let sweep else { return Table.Cell("overdue: never", .bad) }
        let age = Age.text(sweep.finishedAt, now: now)
        guard sweep.isFull else { return Table.Cell("overdue: in part \(age)", .bad) }
        let (past, overflow) = now.milliseconds.subtractingReportingOverflow(sweep.finishedAt.milliseconds)
        if overflow || past >= 30 * day { return Table.Cell("overdue: \(age)", .bad) }
        if past >= 7 * day { return Table.Cell("due: \(age)", .uncertain) }
        return sweep.isComplete ? Table.Cell("good: \(age)", .good) : Table.Cell("incomplete: \(age)", .uncertain)
    }

    /// - Parameter newest: all versions that are known, to compare it with.
    static func definitions(_ version: String?, among newest: DefinitionsOrder) -> Table.Cell {
        guard let version, !version.isEmpty else { return Table.Cell("none", .bad) }
        let shown = oneLine(version)
        return switch newest.behind(version) {
        case 0: Table.Cell("\(shown), newest", .good)
        case 1: Table.Cell("\(shown), 1 behind", .uncertain)
        default: Table.Cell("\(shown), 2+ behind", .bad)
        }
    }

    static func threats(_ count: Int) -> Table.Cell {
        count > 0 ? Table.Cell("\(count) open", .bad) : Table.Cell("none", .good)
    }

    /// `2 high, 1 low`.
    static func detections(_ detections: [Detection], count: Int) -> Table.Cell {
        guard count > 0 || !detections.isEmpty else { return Table.Cell("none", .good) }
        let known = Detection.Severity.allCases.reversed().compactMap { severity -> String? in
            let number = detections.count { $0.severity == severity }
            return number > 0 ? "\(number) \(severity.rawValue)" : nil
        }
        let rest = count > detections.count ? ["\(count - detections.count) more"] : []
        let worst = detections.map(\.severity).max { order($0) < order($1) }
        return Table.Cell((known + rest).joined(separator: ", "), worst.map(style) ?? .bad)
    }

    static func style(_ severity: Detection.Severity) -> Style { severity == .low ? .uncertain : .bad }

    private static func order(_ severity: Detection.Severity) -> Int {
        Detection.Severity.allCases.firstIndex(of: severity) ?? 0
    }
}

/// Versions of definitions, the newest first.
struct DefinitionsOrder {
    private var versions: [String]

    /// - Parameter versions: in any order, repeated or not.
    init(_ versions: some Sequence<String>) {
        self.versions = Set(versions.filter { !$0.isEmpty }).sorted { Self.isNewer($0, than: $1) }
    }

    /// How many are newer: by their numbers, or where they are not plain numbers among those that are known.
    func behind(_ version: String) -> Int {
        guard let newest = versions.first else { return 0 }
        if let newest = Int64(newest), let own = Int64(version) {
            let (difference, overflow) = newest.subtractingReportingOverflow(own)
            return overflow ? 2 : Int(clamping: max(0, difference))
        }
        return versions.count { Self.isNewer($0, than: version) }
    }

    /// By the numbers in them, from the left: `27.10` is newer than `27.9`.
    private static func isNewer(_ left: String, than right: String) -> Bool {
        let (a, b) = (numbers(left), numbers(right))
        return a == b ? left > right : b.lexicographicallyPrecedes(a)
    }

    private static func numbers(_ text: String) -> [UInt64] {
        text.split { !("0"..."9").contains($0) }.map { UInt64($0) ?? .max }
    }
}
