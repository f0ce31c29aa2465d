internal import Configuration

extension String {
    /// The columns of a terminal that the text takes.
    var displayWidth: Int { unicodeScalars.reduce(0) { $0 + $1.displayWidth } }

    /// At most `width` columns of the text; what is cut ends in an ellipsis.
    func cut(to width: Int) -> String {
        guard displayWidth > width else { return self }
        var shown = String.UnicodeScalarView()
        var room = width - 1
        for scalar in unicodeScalars {
            room -= scalar.displayWidth
            if room < 0 { break }
            shown.append(scalar)
        }
        return width > 0 ? String(shown) + "…" : ""
    }

    /// The text in lines of at most `width` columns, broken at blanks; each line after the first begins with `indent`.
    func wrapped(to width: Int, indent: String = "") -> String {
        var lines: [String] = []
        var line = ""
        for word in split(separator: " ", omittingEmptySubsequences: true) {
            let longer = line.isEmpty ? String(word) : line + " " + word
            if longer.displayWidth > max(20, width - indent.displayWidth), !line.isEmpty {
                lines.append(line)
                line = String(word)
            } else {
                line = longer
            }
        }
        lines.append(line)
        return lines.joined(separator: "\n" + indent)
    }
}

/// What another process said, on one line, with nothing in it that a terminal obeys.
func oneLine(_ text: String) -> String {
    visible(text.split(whereSeparator: \.isNewline).joined(separator: " "))
}

/// The same for text of several lines, such as a diagnostic with its excerpt.
func lines(_ text: String) -> [String] {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { visible(String($0)) }
}
