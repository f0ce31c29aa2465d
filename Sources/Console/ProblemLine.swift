internal import Configuration

/// An error of the command: `muster: …`, then what to do, indented below it.
public enum ProblemLine {
    /// - Parameter excerpt: lines that show what is wrong, as they are; between the problem and the advice.
    public static func text(
        _ problem: String, excerpt: String? = nil, advice: String? = nil, on terminal: Terminal
    ) -> String {
        let name = Style.bad("muster:", if: terminal.usesColor)
        // A program that reads it finds each in one line; a person's lines are no wider than eyes follow.
        let width = terminal == .plain ? .max : min(terminal.width, 100)
        var text = "\(name) \(visible(problem).wrapped(to: width, indent: "  "))"
        if let excerpt { text += "\n" + excerpt }
        if let advice { text += "\n  " + visible(advice).wrapped(to: width, indent: "  ") }
        return text
    }
}
