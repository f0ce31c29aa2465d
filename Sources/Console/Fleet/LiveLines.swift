/// A few lines at the end of what a terminal shows, drawn again and again in their place.
public struct LiveLines: Sendable {
    private var height = 0

    public init() {}

    /// What to write so that `frame` stands where the last frame stood. Its lines must fit the terminal's width.
    public mutating func next(_ frame: String, on terminal: Terminal) -> String {
        let lines = frame.split(separator: "\n", omittingEmptySubsequences: false)
        defer { height = lines.count }
        return back + lines.map { "\($0)\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }

    /// What to write so that nothing of the last frame is left.
    public mutating func erase() -> String {
        defer { height = 0 }
        return height == 0 ? "" : back + "\u{1B}[J"
    }

    private var back: String { height == 0 ? "" : "\u{1B}[\(height)A\r" }
}
