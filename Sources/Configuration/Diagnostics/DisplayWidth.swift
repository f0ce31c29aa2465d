extension Unicode.Scalar {
    /// Whether a terminal would obey it or show nothing for it: controls, format characters, line separators.
    package var isInvisible: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
        default: false
        }
    }

    /// How many columns of a terminal it takes: 0 for combining marks, 2 for the wide characters of East Asia and for
    /// most emoji (Unicode Standard Annex #11, by block), otherwise 1.
    package var displayWidth: Int {
        if value < 0x300 { return 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        switch value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
            0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x1FA70...0x1FAFF, 0x20000...0x3FFFD:
            return 2
        default: return 1
        }
    }
}

/// Text that a terminal only shows and never obeys.
package func visible(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: \.isInvisible) else { return text }
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { shown.append(scalar.isInvisible ? "\u{FFFD}" : scalar) }
    return String(shown)
}

/// What somebody wrote, in quotes, for the middle of a sentence: on one line, and cut where it is long.
func quoted(_ text: String) -> String {
    let limit = 60
    var shown = String.UnicodeScalarView()
    var count = 0
    for scalar in text.unicodeScalars {
        if count == limit {
            shown.append("…")
            break
        }
        shown.append(scalar.isInvisible ? "\u{FFFD}" : scalar)
        count += 1
    }
    return "'\(String(shown))'"
}

/// `a`, `a or b`, `a, b or c`.
package func listed(_ words: [String], with conjunction: String) -> String {
    guard let last = words.last, words.count > 1 else { return words.first ?? "" }
    return "\(words.dropLast().joined(separator: ", ")) \(conjunction) \(last)"
}
