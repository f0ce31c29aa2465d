/// Names and what they are, one below the other.
struct Facts {
    private var pairs: [(name: String, value: Table.Cell)] = []

    mutating func add(_ name: String, _ value: Table.Cell) { pairs.append((name, value)) }

    mutating func add(_ name: String, _ value: String?) {
        if let value, !value.isEmpty { pairs.append((name, Table.Cell(value))) }
    }

    func render(on terminal: Terminal) -> String {
        let width = (pairs.map(\.name.displayWidth).max() ?? 0) + 2
        return pairs.map { name, value in
            let label = name + String(repeating: " ", count: width - name.displayWidth)
            let indent = String(repeating: " ", count: width)
            let room = terminal.width == .max ? .max : terminal.width
            let text = value.text.fitted(to: room, indent: indent)
            return Style.faint(label, if: terminal.usesColor)
                + (value.style.map { $0(text, if: terminal.usesColor) } ?? text)
        }.joined(separator: "\n")
    }
}

extension String {
    /// Wrapped at blanks, and where a word alone is too long, such as a path, within it.
    func fitted(to width: Int, indent: String) -> String {
        guard width != .max else { return self }
        let room = max(20, width - indent.displayWidth)
        let pieces = split(separator: " ", omittingEmptySubsequences: false).map { String($0).pieces(of: room) }
        return pieces.flatMap { $0 }.joined(separator: " ").wrapped(to: width, indent: indent)
    }

    private func pieces(of width: Int) -> [String] {
        guard displayWidth > width else { return [self] }
        var pieces: [String] = []
        var piece = String.UnicodeScalarView()
        var room = width
        for scalar in unicodeScalars {
            if scalar.displayWidth > room {
                pieces.append(String(piece))
                piece = String.UnicodeScalarView()
                room = width
            }
            piece.append(scalar)
            room -= scalar.displayWidth
        }
        pieces.append(String(piece))
        return pieces
    }
}
