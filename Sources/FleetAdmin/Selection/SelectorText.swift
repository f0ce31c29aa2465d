/// Selectors as administrators' options spell them: the text that goes to the server.
public enum SelectorText {
    /// - Parameters:
    ///   - groups: those of any of the groups,
    ///   - clients: and these clients, by name or id,
    ///   - expression: of them those that it selects; nil: all of them. It goes in as it is.
    /// - Returns: nil where nothing is said at all.
    public static func composed(groups: [String], clients: [String], where expression: String?) -> String? {
        let names = groups.map { term("group", $0) } + clients.map { term("client", $0) }
        let union = names.joined(separator: " or ")
        guard let expression else { return names.isEmpty ? nil : union }
        guard !names.isEmpty else { return expression }
        return (names.count == 1 ? union : "(\(union))") + " and (\(expression))"
    }

    private static func term(_ field: String, _ value: String) -> String { "\(field)=\(quoted(value))" }

    /// A plain word as it is, anything else in quotes, with `\` before a quote or a backslash.
    static func quoted(_ text: String) -> String {
        let isWord =
            text.utf8.first.map(isLetter) == true
            && text.utf8.allSatisfy { isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        if isWord, !["all", "and", "or", "not"].contains(text.lowercased()) { return text }
        // By scalars: a quote with a combining mark is a character of its own, and still a quote to who reads it.
        var shown = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { shown.append("\\") }
            shown.append(scalar)
        }
        return "\"\(String(shown))\""
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
}
