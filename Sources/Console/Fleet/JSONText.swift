internal import Configuration

/// JSON for whoever reads it, a terminal too.
public enum JSONText {
    /// The same JSON with `\\u` escapes for what a terminal would obey or show nothing for. An encoder escapes the
    /// controls of ASCII alone, and names come from machines that may be hostile.
    public static func shown(_ json: String) -> String {
        guard json.unicodeScalars.contains(where: { $0.isInvisible && $0 != "\n" }) else { return json }
        var text = ""
        for scalar in json.unicodeScalars {
            if scalar.isInvisible, scalar != "\n" {
                for unit in String(scalar).utf16 {
                    let digits = String(unit, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }
            } else {
                text.unicodeScalars.append(scalar)
            }
        }
        return text
    }
}
