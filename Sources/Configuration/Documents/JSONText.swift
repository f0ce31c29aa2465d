/// A JSON value whose members keep their order, and its text. RFC 8259.
indirect enum JSONText {
    case null
    case bool(Bool)
    case integer(Int64)
    case number(Double)
    case string(String)
    case array([JSONText])
    case object([(String, JSONText)])

    static func strings(_ values: [String]) -> JSONText { .array(values.map(JSONText.string)) }

    /// With two blanks for each level, and a short array of scalars on one line.
    func render(indentation: String = "") -> String {
        let inner = indentation + "  "
        switch self {
        case .null: return "null"
        case .bool(let value): return value ? "true" : "false"
        case .integer(let value): return String(value)
        // JSON has neither infinity nor NaN.
        case .number(let value): return value.isFinite ? value.description : "null"
        case .string(let text): return Self.quoted(text)
        case .array(let items):
            if items.allSatisfy(\.isScalar) {
                let line = "[\(items.map { $0.render() }.joined(separator: ", "))]"
                if indentation.count + line.count <= 100 { return line }
            }
            return "[\n" + items.map { inner + $0.render(indentation: inner) }.joined(separator: ",\n")
                + "\n\(indentation)]"
        case .object(let members):
            if members.isEmpty { return "{}" }
            let lines = members.map { "\(inner)\(Self.quoted($0)): \($1.render(indentation: inner))" }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indentation)}"
        }
    }

    private var isScalar: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20: result += "\\u" + hexadecimal(scalar.value, digits: 4, prefix: "")
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

extension JSONText {
    /// A YAML value as JSON, as the core schema reads its plain scalars.
    init(_ node: YAMLNode) {
        switch node.content {
        case .scalar(let scalar):
            if node.isNull {
                self = .null
            } else if scalar.style != .plain {
                self = .string(scalar.text)
            } else if let value = try? ScalarText.bool(scalar.text) {
                self = .bool(value)
            } else if let value = try? ScalarText.integer(scalar.text) {
                self = .integer(value)
            } else if let value = try? ScalarText.number(scalar.text) {
                self = .number(value)
            } else {
                self = .string(scalar.text)
            }
        case .sequence(let items): self = .array(items.map(JSONText.init))
        case .mapping(let entries): self = .object(entries.map { ($0.key, JSONText($0.value)) })
        }
    }
}
