/// A part of a YAML document with its place in the text. Aliases are expanded, and every limit of `YAMLLimits` holds.
struct YAMLNode: Sendable {
    indirect enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping([YAMLEntry])
    }

    var content: Content
    var span: SourceSpan

    /// Whether nothing was written, or `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let scalar) = content, scalar.style == .plain else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.text)
    }

    /// What it is, for the middle of a sentence: `a list`.
    var kind: String {
        switch content {
        case .scalar(let scalar): isNull ? "nothing" : quoted(scalar.text)
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

/// A scalar's text, escapes and folding undone, and how it was written.
struct YAMLScalar: Sendable {
    enum Style: Sendable {
        case plain, singleQuoted, doubleQuoted
        /// `|` and `>`.
        case block
    }

    var text: String
    var style: Style
}

/// A key of a mapping and its value, in the order of the text.
struct YAMLEntry: Sendable {
    var key: String
    var keySpan: SourceSpan
    var value: YAMLNode

    /// Where to point when the value is wrong: at the key where there is nothing to point at.
    var blamedSpan: SourceSpan { value.span.start == value.span.end ? keySpan : value.span }
}

/// How much a configuration file may hold. Real ones are a hundredth of it; what is larger is a mistake or an attack.
enum YAMLLimits {
    /// Bytes of a file.
    static let bytes = 1 << 20
    /// Collections inside each other.
    static let depth = 64
    /// Nodes, aliases counted as what they stand for.
    static let nodes = 100_000
    /// Bytes of all scalars, aliases counted as what they stand for.
    static let expandedBytes = 4 << 20
}
