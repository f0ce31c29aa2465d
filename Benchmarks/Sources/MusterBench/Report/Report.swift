import FoundationEssentials

/// All that one run of the benchmark found.
struct Report: Codable {
    var machine: MachineFacts
    var command: String
    /// Fewer runs than the goals ask for.
    var isQuick: Bool
    var seconds: Double
    var rows: [Measurement]

    var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(self) else { return "{}" }
        return String(decoding: data, as: UTF8.self)
    }

    /// Markdown that also reads well in a terminal.
    var markdown: String {
        var text = machine.markdown
        text += "\nCommand: `\(command)`"
        text += isQuick ? " (quick: fewer runs than the goals ask for)\n\n" : "\n\n"
        text +=
            Table(
                header: ["row", "what", "ours", "peer", "result", "goal", "reached"],
                rows: rows.map { [$0.row, $0.what, $0.ours, $0.peer, $0.result, $0.goal, $0.verdict.rawValue] }
            ).markdown
        let noted = rows.filter { !$0.notes.isEmpty }
        if !noted.isEmpty { text += "\n" }
        for row in noted {
            for note in row.notes { text += "- \(row.row): \(note)\n" }
        }
        return text + "\nMeasured in \(Format.count(seconds)) s.\n"
    }
}

/// A Markdown table with aligned columns.
struct Table {
    var header: [String]
    var rows: [[String]]

    var markdown: String {
        let widths = header.indices.map { column in
            max(3, header[column].count, rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0)
        }
        func line(_ cells: [String]) -> String {
            "| "
                + zip(cells, widths).map { cell, width in
                    cell + String(repeating: " ", count: max(0, width - cell.count))
                }.joined(separator: " | ") + " |\n"
        }
        let rule = "|" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "|") + "|\n"
        return line(header) + rule + rows.map(line).joined()
    }
}
