internal import PluginManifest

extension OptionDeclaration {
    /// What is expected, with an example, for the middle of a sentence.
    var expectation: String { Self.expectation(of: type, itemType: itemType, choices: choices) }

    /// What is expected of an item of a list.
    var itemExpectation: String {
        "each item to be " + Self.expectation(of: itemType ?? .string, itemType: nil, choices: choices)
    }

    private static func expectation(of type: OptionType, itemType: OptionType?, choices: [String]) -> String {
        switch type {
        case .bool: "true or false"
        case .integer: "a whole number such as 10"
        case .number: "a number such as 0.5"
        case .string: "text"
        case .duration: "a length of time such as 250ms, 10s or 1h30m"
        case .bytes: "a number of bytes such as 512, 64KiB or 10MB"
        case .path: "a path such as /srv/data"
        case .url: "a URL such as https://example.com/files/"
        case .enum: choices.count == 1 ? quoted(choices[0]) : "one of \(listed(choices.map(quoted), with: "or"))"
        case .address: "an address with a port such as 192.0.2.1:443 or example.com:443"
        case .list: "a list such as [\(example(of: itemType ?? .string, choices)), …]"
        }
    }

    private static func example(of type: OptionType, _ choices: [String]) -> String {
        switch type {
        case .bool: "true"
        case .integer: "10"
        case .number: "0.5"
        case .string: "text"
        case .duration: "10s"
        case .bytes: "64KiB"
        case .path: "/srv/data"
        case .url: "\"https://example.com/\""
        case .enum: choices.first ?? "word"
        case .address: "\"192.0.2.1:443\""
        case .list: "…"
        }
    }

    /// A value for examples in the manual, as YAML.
    var example: String {
        if let defaultValue { return defaultValue }
        if isSecret { return "{file: /etc/muster/\(name.split(separator: ".").last ?? "secret")}" }
        return type == .list ? "[\(Self.example(of: itemType ?? .string, choices))]" : Self.example(of: type, choices)
    }

    /// For tables: `list of duration`.
    var typeName: String {
        type == .list ? "list of \((itemType ?? .string).rawValue)" : type.rawValue
    }
}
