extension Diagnostic {
    /// The message with its place, the line and a caret; several lines without a final line break.
    ///
    /// What the file or an operator wrote cannot move the cursor or recolour the terminal: control and format
    /// characters are shown as U+FFFD.
    public func render(color: Bool = false) -> String {
        render(as: "error", in: color ? .coloured : .plain)
    }

    private func render(as severity: String, in palette: Palette) -> String {
        var text = ""
        if let location {
            text += "\(palette.strong)\(visible(location.file)):\(location.line):\(location.column):\(palette.end) "
        }
        let paint = severity == "error" ? palette.error : palette.note
        text += "\(paint)\(severity):\(palette.end) \(palette.strong)\(visible(message))\(palette.end)"
        if let location, let line, !line.isEmpty {
            text += excerpt(of: line, number: location.line, column: lineColumn ?? location.column, in: palette)
        }
        for note in notes {
            text += "\n" + note.render(as: "note", in: palette)
        }
        return text
    }

    /// The line after a gutter with its number, and below it the caret and the tildes.
    private func excerpt(of line: String, number: Int, column: Int, in palette: Palette) -> String {
        let digits = String(number)
        let gutter = String(repeating: " ", count: max(0, 5 - digits.count)) + digits
        let margin = String(repeating: " ", count: gutter.count)
        let window = ExcerptWindow(line: line, caret: max(1, column) - 1, length: max(1, length))
        return
            "\n\(gutter) | \(window.text)\n\(margin) | \(window.indentation)\(palette.caret)\(window.marker)\(palette.end)"
    }
}

/// The escape sequences around the parts of a diagnostic; all empty for plain text.
private struct Palette {
    var strong = "", error = "", note = "", caret = "", end = ""

    static let plain = Palette()
    static let coloured = Palette(
        strong: "\u{1B}[1m", error: "\u{1B}[1;31m", note: "\u{1B}[1;36m", caret: "\u{1B}[1;32m", end: "\u{1B}[0m")
}

/// The part of a line that is shown, and the marks below it: tabs become blanks, and wide characters get two marks.
private struct ExcerptWindow {
    /// Columns of a terminal that the text may fill; with the gutter it fits 120.
    static let columns = 108

    var text = ""
    var indentation = ""
    var marker = ""

    init(line: String, caret: Int, length: Int) {
        let cells = line.unicodeScalars.map(Cell.init)
        let caret = min(caret, cells.count)
        let end = caret + min(length, cells.count - caret)
        let range = Self.window(of: cells, around: caret)
        if range.lowerBound > 0 {
            text += "…"
            indentation += " "
        }
        for index in range {
            let cell = cells[index]
            text += cell.text
            if index < caret {
                indentation += String(repeating: " ", count: cell.width)
            } else if index < end {
                marker += String(repeating: "~", count: cell.width)
            }
        }
        if range.upperBound < cells.count { text += "…" }
        while text.last == " " { text.removeLast() }
        marker = "^" + marker.dropFirst()
    }

    /// All of a short line; of a long one, the part around the caret.
    private static func window(of cells: [Cell], around caret: Int) -> Range<Int> {
        var width = 0
        for cell in cells {
            width += cell.width
            if width > columns { break }
        }
        guard width > columns else { return 0..<cells.count }
        var lower = caret
        var before = 0
        while lower > 0, before + cells[lower - 1].width <= columns / 3 {
            lower -= 1
            before += cells[lower].width
        }
        var upper = lower
        var shown = 0
        while upper < cells.count, shown + cells[upper].width <= columns {
            shown += cells[upper].width
            upper += 1
        }
        return lower..<upper
    }

    private struct Cell {
        var text: String
        var width: Int

        init(_ scalar: Unicode.Scalar) {
            if scalar == "\t" {
                self.text = "    "
                self.width = 4
            } else {
                let shown = scalar.isInvisible ? "\u{FFFD}" : scalar
                self.text = String(Character(shown))
                self.width = shown.displayWidth
            }
        }
    }
}
