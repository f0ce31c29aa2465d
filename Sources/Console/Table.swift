/// Columns of text under headings. Where the terminal is too narrow, the columns that may shrink are cut.
struct Table {
    enum Alignment { case left, right }

    struct Column {
        var title: String
        var alignment: Alignment = .left
        /// The fewest columns of the terminal it may shrink to; nil: it keeps its width.
        var minimum: Int?
    }

    struct Cell: ExpressibleByStringInterpolation {
        var text: String
        var style: Style?

        init(_ text: String, _ style: Style? = nil) {
            self.text = text
            self.style = style
        }

        init(stringLiteral value: String) { self.init(value) }
    }

    var columns: [Column]
    var rows: [[Cell]] = []

    private static let gap = "  "

    /// The columns of the terminal it takes where nothing is cut.
    var naturalWidth: Int { widths(within: .max).reduce(Self.gap.count * (columns.count - 1), +) }

    /// The columns of the terminal it takes where everything is cut that may be.
    var leastWidth: Int { widths(within: 0).reduce(Self.gap.count * (columns.count - 1), +) }

    /// The table with one more column, whose cells are in the order of the rows.
    func adding(_ column: Column, _ cells: [Cell]) -> Table {
        var table = self
        table.columns.append(column)
        for (index, cell) in zip(rows.indices, cells) { table.rows[index].append(cell) }
        return table
    }

    /// The lines of the table, none with blanks at its end.
    func render(on terminal: Terminal) -> [String] {
        let widths = widths(within: terminal.width)
        let heading = columns.map { Cell($0.title, .strong) }
        return ([heading] + rows).map { row in line(row, widths: widths, usesColor: terminal.usesColor) }
    }

    private func line(_ row: [Cell], widths: [Int], usesColor: Bool) -> String {
        var parts: [String] = []
        for (cell, (column, width)) in zip(row, zip(columns, widths)) {
            let text = cell.text.cut(to: width)
            let blanks = String(repeating: " ", count: max(0, width - text.displayWidth))
            let shown = cell.style.map { $0(text, if: usesColor) } ?? text
            parts.append(column.alignment == .left ? shown + blanks : blanks + shown)
        }
        var line = parts.joined(separator: Self.gap)
        while line.last == " " { line.removeLast() }
        return line
    }

    /// What each column needs; where that is too much together, the widest that may shrink gives way first.
    private func widths(within total: Int) -> [Int] {
        var widths = columns.indices.map { index in
            ([columns[index].title] + rows.compactMap { $0.indices.contains(index) ? $0[index].text : nil })
                .map(\.displayWidth).max() ?? 0
        }
        var excess = widths.reduce(0, +) + Self.gap.count * (columns.count - 1) - total
        while excess > 0 {
            let candidates = columns.indices.filter { widths[$0] > columns[$0].minimum ?? .max }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }
}
