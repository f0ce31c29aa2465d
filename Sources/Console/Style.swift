/// How a piece of text stands out, on an output that knows colours. The words alone must say the same.
public enum Style: Sendable {
    case strong, faint, good, uncertain, bad

    private var code: String {
        switch self {
        case .strong: "1"
        case .faint: "2"
        case .good: "32"
        case .uncertain: "33"
        case .bad: "31"
        }
    }

    /// `text` between the escape sequences of ECMA-48.
    public func callAsFunction(_ text: String, if usesColor: Bool) -> String {
        usesColor && !text.isEmpty ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
