internal import Configuration

/// An error of the command: `muster: …`, then what to do, indented below it.
public enum ProblemLine {
    /// - Parameter excerpt: lines that show what is wrong, as they are; between the problem and the advice.
    public static func text(
        _ problem: String, excerpt: String? = nil, advice: String? = nil, on terminal: Terminal
    ) -> String {
        let name = Style.bad("muster:", if: terminal.usesColor)
        let width = terminal.width == .max ? 100 : min(terminal.width, 100)
        var text = "\(name) \(visible(problem).wrapped(to: width, indent: "  "))"
        if let excerpt { text += "\n" + excerpt }
        if let advice { text += "\n  " + visible(advice).wrapped(to: width, indent: "  ") }
        return text
    }
}
