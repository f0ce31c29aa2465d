internal import Configuration
public import Fleet

/// What the commands about identities say in several lines.
public enum IdentityText {
    /// A name and what is said of it, in two columns below each other.
    public static func list(_ rows: [(name: String, text: String)]) -> String {
        let width = rows.map(\.name.displayWidth).max() ?? 0
        return rows.map { row in
            "  " + row.name + String(repeating: " ", count: width - row.name.displayWidth) + "  " + oneLine(row.text)
        }.joined(separator: "\n")
    }

    /// `2027-11-24`, in UTC.
    public static func day(_ time: Timestamp) -> String { String("\(time)".prefix(10)) }

    /// Text moved in, so that it stands out as something to be typed or written.
    public static func indented(_ text: String, by columns: Int = 4) -> String {
        let blanks = String(repeating: " ", count: columns)
        return text.split(separator: "\n", omittingEmptySubsequences: false).map { blanks + visible(String($0)) }
            .joined(separator: "\n")
    }

    /// Running text for a terminal.
    public static func paragraph(_ text: String, on terminal: Terminal) -> String {
        visible(text).wrapped(to: width(terminal))
    }

    /// What is to be done, one thing after the other, each with what is to be typed or written for it.
    public static func steps(_ steps: [(text: String, type: String?)], on terminal: Terminal) -> String {
        steps.enumerated().map { index, step in
            let number = "  \(index + 1). "
            let blanks = String(repeating: " ", count: number.count)
            let text = number + visible(step.text).wrapped(to: width(terminal), indent: blanks)
            return step.type.map { text + "\n" + indented($0, by: number.count + 4) } ?? text
        }.joined(separator: "\n")
    }

    private static func width(_ terminal: Terminal) -> Int { min(terminal.width, 100) }
}
