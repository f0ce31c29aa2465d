/// Frames of text, one over the other where the terminal can, one below the other where it cannot.
public struct Redraw: Sendable {
    private var isFirst = true

    public init() {}

    /// What to write so that `frame` is all that is seen. After the first, nothing is erased before it is written over,
    /// so that nothing flickers. What the terminal has no lines for is left out: it would scroll.
    public mutating func next(_ frame: String, on terminal: Terminal) -> String {
        defer { isFirst = false }
        guard terminal.movesCursor else { return (isFirst ? "" : "\n") + frame + "\n" }
        let start = isFirst ? "\u{1B}[2J\u{1B}[H" : "\u{1B}[H"
        let all = frame.split(separator: "\n", omittingEmptySubsequences: false)
        var lines = all.prefix(all.count < terminal.height ? all.count : max(1, terminal.height - 2))
        if lines.count < all.count { lines.append("… and \(all.count - lines.count) more lines") }
        return start + lines.map { "\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }
}
