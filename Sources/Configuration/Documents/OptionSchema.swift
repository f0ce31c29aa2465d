internal import PluginManifest

/// The schema of options and of groups of them.
enum OptionSchema {
    /// A section may be written without anything in it.
    static let objectOrNothing = JSONText.strings(["object", "null"])

    /// Any text with a variable in it may become any type.
    private static let variable = JSONText.object([("type", .string("string")), ("pattern", .string("\\$\\{"))])

    static func group(_ group: OptionGroup, description: String?) -> JSONText {
        var members: [(String, JSONText)] = []
        if let description { members.append(("description", .string(description))) }
        members.append(("type", objectOrNothing))
        var properties: [(String, JSONText)] = []
        var required: [String] = []
        for name in group.names {
            switch group.members[name] {
            case .option(let declaration):
                properties.append((name, option(declaration)))
                if declaration.isRequired { required.append(name) }
            case .group(let inner): properties.append((name, self.group(inner, description: nil)))
            case .section(let help): properties.append((name, ConfigurationSchema.listener(help: help)))
            case nil: break
            }
        }
        members.append(("properties", .object(properties)))
        if !required.isEmpty { members.append(("required", .strings(required))) }
        members.append(("additionalProperties", .bool(false)))
        return .object(members)
    }

    static func option(_ declaration: OptionDeclaration) -> JSONText {
        var members: [(String, JSONText)] = [("description", .string(help(declaration)))]
        var alternatives = forms(declaration)
        if declaration.isSecret { alternatives.append(secretFile) }
        if alternatives.count == 1, case .object(let only) = alternatives[0] {
            members += only
        } else {
            members.append(("anyOf", .array(alternatives)))
        }
        if let text = declaration.defaultValue, let value = defaultValue(text, declaration) {
            members.append(("default", value))
        }
        return .object(members)
    }

    private static func help(_ declaration: OptionDeclaration) -> String {
        declaration.unit.map { "\(declaration.help) In \($0)." } ?? declaration.help
    }

    private static let secretFile = JSONText.object([
        ("type", .string("object")),
        ("properties", .object([("file", .object([("type", .string("string"))]))])),
        ("required", .strings(["file"])),
        ("additionalProperties", .bool(false)),
    ])

    private static func forms(_ declaration: OptionDeclaration) -> [JSONText] {
        guard declaration.type == .list else { return forms(of: declaration.type, declaration) }
        let items = forms(of: declaration.itemType ?? .string, declaration)
        var list: [(String, JSONText)] = [("type", .string("array"))]
        list.append(("items", items.count == 1 ? items[0] : .object([("anyOf", .array(items))])))
        list += bounds(declaration, "minItems", "maxItems")
        return [.object(list)]
    }

    private static func forms(of type: OptionType, _ declaration: OptionDeclaration) -> [JSONText] {
        let isItem = declaration.type == .list
        func scalar(_ name: String, _ more: [(String, JSONText)] = []) -> JSONText {
            .object([("type", .string(name))] + more)
        }
        switch type {
        case .bool: return [scalar("boolean"), variable]
        case .integer: return [scalar("integer", isItem ? [] : bounds(declaration, "minimum", "maximum")), variable]
        case .number: return [scalar("number", isItem ? [] : bounds(declaration, "minimum", "maximum")), variable]
        case .enum: return [.object([("enum", .strings(declaration.choices))]), variable]
        case .duration:
            return [
                scalar("string", [("pattern", .string("^(0|([0-9]+(d|h|m|s|ms|us))+)$"))]),
                .object([("const", .integer(0))]), variable,
            ]
        case .bytes:
            return [
                scalar("integer", [("minimum", .integer(0))]),
                scalar("string", [("pattern", .string("^[0-9]+([KMGT]i?B|B)?$"))]), variable,
            ]
        case .url: return [scalar("string", [("pattern", .string("^[hH][tT][tT][pP][sS]?://"))]), variable]
        case .string:
            // What looks like a number is text where text is wanted. No length: a variable's value has another.
            return [.object([("type", .strings(["string", "number", "boolean"]))])]
        case .path, .address, .list: return [scalar("string")]
        }
    }

    private static func bounds(_ declaration: OptionDeclaration, _ low: String, _ high: String) -> [(String, JSONText)]
    {
        [(low, declaration.minimum), (high, declaration.maximum)].compactMap { name, text in
            guard let text else { return nil }
            if let value = try? ScalarText.integer(text) { return (name, .integer(value)) }
            return (try? ScalarText.number(text)).map { (name, .number($0)) }
        }
    }

    /// The default with JSON's types.
    private static func defaultValue(_ text: String, _ declaration: OptionDeclaration) -> JSONText? {
        let source = SourceText(path: "default", bytes: Array(text.utf8))
        var problems = Problems(in: source)
        guard let node = YAMLComposer.compose(source, problems: &problems), problems.isEmpty else { return nil }
        if case .scalar(let scalar) = node.content, ![.bool, .integer, .number, .bytes].contains(declaration.type) {
            return .string(scalar.text)
        }
        return JSONText(node)
    }
}
