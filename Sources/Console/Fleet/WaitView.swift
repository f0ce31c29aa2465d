public import Fleet

/// How far a job is, while it is waited for; `Result` is what is shown at its end.
public struct WaitView: Sendable {
    public var kind: String
    /// nil: not known yet.
    public var counts: AssignmentCounts?
    public var elapsedSeconds: Double
    /// Why nothing is heard at present, one line; nil: something is.
    public var trouble: String?

    public init(kind: String, counts: AssignmentCounts?, elapsedSeconds: Double, trouble: String? = nil) {
        self.kind = kind
        self.counts = counts
        self.elapsedSeconds = elapsedSeconds
        self.trouble = trouble
    }

    /// Two or three lines that fit the terminal, without a final line break.
    public func render(on terminal: Terminal) -> String {
        // A line that fills the terminal to its last column may be wrapped by it.
        let width = (terminal.width == .max ? 100 : min(terminal.width, 100)) - 1
        var lines = [bar(width: width, usesColor: terminal.usesColor), words.cut(to: width)]
        if let trouble {
            lines.append(Style.uncertain(oneLine("asking again: \(trouble)").cut(to: width), if: terminal.usesColor))
        }
        return lines.joined(separator: "\n")
    }

    /// The same in one line, for a log.
    public var line: String {
        let text = "\(oneLine(kind)), \(elapsed): \(words)"
        return trouble.map { "\(text); asking again: \(oneLine($0))" } ?? text
    }

    /// `1:05`, `2:13:05`.
    private var elapsed: String {
        let seconds = Int(max(0, min(elapsedSeconds, 1e9)))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
        return (hours > 0 ? "\(hours):\(two(minutes))" : "\(minutes)") + ":\(two(seconds % 60))"
    }

    private var words: String {
        guard let counts else { return "nothing heard yet" }
        func number(_ count: Int) -> String { SweepWords.grouped(count) }
        let text =
            "\(number(counts.succeeded)) of \(number(counts.total)) done, \(number(counts.underWay)) running, "
            + "\(number(counts.queued)) waiting, \(number(counts.failed + counts.expired)) failed"
        return counts.cancelled > 0 ? "\(text), \(number(counts.cancelled)) cancelled" : text
    }

    /// `[####!>>....]  83%  1:05`: done, failed, running, waiting. What is there is seen, however little it is.
    private func bar(width: Int, usesColor: Bool) -> String {
        let counts = counts ?? AssignmentCounts()
        let total = counts.total
        let percent = total == 0 ? 0 : counts.terminal * 100 / total
        let tail = String(repeating: " ", count: percent < 10 ? 3 : percent < 100 ? 2 : 1) + "\(percent)%  \(elapsed)"
        let room = max(10, width - 2 - tail.count)
        let parts: [(Int, Character, Style)] = [
            (counts.succeeded, "#", .good), (counts.unsuccessful, "!", .bad), (counts.underWay, ">", .uncertain),
            (counts.queued, ".", .faint),
        ]
        var (text, sum, drawn) = ("", 0, 0)
        for (count, character, style) in parts where count > 0 && total > 0 {
            sum += count
            let end = min(room, max(drawn + 1, Int((min(1, Double(sum) / Double(total)) * Double(room)).rounded())))
            text += style(String(repeating: character, count: end - drawn), if: usesColor)
            drawn = end
        }
        return "[\(text)\(String(repeating: " ", count: room - drawn))]\(tail)"
    }
}

extension AssignmentCounts {
    /// A client has it, or it is on its way there.
    fileprivate var underWay: Int { offered + accepted + running }
    /// Over, and not done.
    fileprivate var unsuccessful: Int { failed + cancelled + expired }
}
