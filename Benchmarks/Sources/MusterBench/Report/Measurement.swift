/// One line of the table.
struct Measurement: Codable, Equatable, Sendable {
    enum Verdict: String, Codable, Sendable {
        case reached = "yes"
        case missed = "NO"
        /// The runs differ by more than what is to be decided.
        case undecided
        /// Shown beside others; nothing was promised.
        case none = "–"
        case failed = "not measured"
    }

    /// The row's number, with a letter where a row has several lines: `1a`.
    var row: String
    /// What is measured, and against whom.
    var what: String
    var ours: String
    /// Empty where there is no peer.
    var peer: String
    /// The ratio, or the value again.
    var result: String
    var goal: String
    var verdict: Verdict
    /// How it was measured and what else was seen, for below the table.
    var notes: [String] = []
    /// The numbers, for machines; names carry their unit.
    var numbers: [String: Double] = [:]

    /// A line that could not be measured.
    static func failure(_ row: String, _ what: String, goal: String, _ error: any Error) -> Measurement {
        Measurement(
            row: row, what: what, ours: "", peer: "", result: "", goal: goal, verdict: .failed, notes: ["\(error)"])
    }

    static func verdict(_ reached: Bool) -> Verdict { reached ? .reached : .missed }
}
