internal import Configuration

/// A selector that could not be read, with a caret under the place.
public struct SelectorView: Sendable {
    public var text: String
    /// From 1, in characters.
    public var column: Int

    public init(_ text: String, column: Int) {
        self.text = text
        self.column = column
    }

    /// Two lines without a final line break; a selector that is longer than a line is shown around the place.
    public func render(on terminal: Terminal) -> String {
        let characters = text.map { visible(String($0)) }
        let place = min(max(column, 1) - 1, characters.count)
        let room = max(20, min(terminal.width, 100) - 4)
        var start = 0
        var before = characters[..<place].reduce(0) { $0 + $1.displayWidth }
        while before > room * 3 / 4, start < place {
            before -= characters[start].displayWidth
            start += 1
        }
        let mark = start > 0 ? "…" : ""
        let line = (mark + characters[start...].joined()).cut(to: room)
        let blanks = String(repeating: " ", count: before + mark.displayWidth)
        return "  \(line)\n  \(blanks)" + Style.bad("^", if: terminal.usesColor)
    }
}
