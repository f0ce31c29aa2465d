internal import MusterABI
internal import PluginManifest

/// Reads the options of a manifest. Defaults and bounds stay text: the configuration parses them as it parses what the
/// operator writes.
struct OptionReader {
    func read(_ table: muster_plugin) throws(PluginProblem) -> [OptionDeclaration] {
        let path = "options"
        var options: [OptionDeclaration] = []
        let declarations = try structures(
            table.options, table.option_count, path, limit: ManifestLimits.options, size: Int(MUSTER_OPTION_SIZE_1_0))
        for (index, declaration) in declarations.enumerated() {
            options.append(try option(declaration, FieldReader(path: "\(path)[\(index)]")))
        }
        try checkNames(options)
        return options
    }

    private func option(_ option: muster_option, _ fields: FieldReader) throws(PluginProblem) -> OptionDeclaration {
        let name = try fields.word(option.name, "name", as: "lower-case words joined by _, groups by dots") {
            ManifestPatterns.isDottedName($0)
        }
        let named = FieldReader(path: "\(fields.path) ('\(name)')")
        let type = try self.type(option.type, named, "type")
        var itemType: OptionType?
        if type == .list {
            itemType = try self.type(option.item_type, named, "item_type")
            guard itemType != .list else {
                throw named.problem("item_type", "is a list: lists of lists are not offered")
            }
        } else if option.item_type != 0 {
            throw named.problem("item_type", "is \(option.item_type), and only a MUSTER_TYPE_LIST has items: make it 0")
        }
        let known = MUSTER_OPTION_REQUIRED | MUSTER_OPTION_SECRET
        guard option.flags & ~known == 0 || option.abi_minor > UInt16(MUSTER_ABI_MINOR) else {
            throw named.problem("flags", "has bits that ABI \(MUSTER_ABI_MAJOR).\(MUSTER_ABI_MINOR) does not know")
        }
        let declaration = OptionDeclaration(
            name: name, type: type, itemType: itemType,
            isRequired: option.flags & MUSTER_OPTION_REQUIRED != 0,
            isSecret: option.flags & MUSTER_OPTION_SECRET != 0,
            defaultValue: try optional(option.default_value, named, "default_value"),
            minimum: try optional(option.minimum, named, "minimum"),
            maximum: try optional(option.maximum, named, "maximum"),
            unit: try optional(option.unit, named, "unit"),
            help: try named.required(option.help, "help", limit: ManifestLimits.line),
            choices: try choices(option, named))
        try check(declaration, named)
        return declaration
    }

    private func type(_ type: muster_type, _ fields: FieldReader, _ member: String) throws(PluginProblem) -> OptionType
    {
        switch type {
        case MUSTER_TYPE_BOOL: .bool
        case MUSTER_TYPE_INTEGER: .integer
        case MUSTER_TYPE_NUMBER: .number
        case MUSTER_TYPE_STRING: .string
        case MUSTER_TYPE_DURATION: .duration
        case MUSTER_TYPE_BYTES: .bytes
        case MUSTER_TYPE_PATH: .path
        case MUSTER_TYPE_URL: .url
        case MUSTER_TYPE_ENUM: .enum
        case MUSTER_TYPE_ADDRESS: .address
        case MUSTER_TYPE_LIST: .list
        default: throw fields.problem(member, "is \(type): use a MUSTER_TYPE_ constant")
        }
    }

    /// Empty text stands for nothing; YAML in a default may have several lines.
    private func optional(
        _ string: muster_string, _ fields: FieldReader, _ member: String
    ) throws(PluginProblem) -> String? {
        let text = try fields.text(string, member, limit: ManifestLimits.line)
        return text.isEmpty ? nil : text
    }

    private func choices(_ option: muster_option, _ fields: FieldReader) throws(PluginProblem) -> [String] {
        var choices: [String] = []
        let strings = try elements(
            option.choices, option.choice_count, "\(fields.path).choices", limit: ManifestLimits.choices)
        for (index, string) in strings.enumerated() {
            let choice = try fields.required(string, "choices[\(index)]", limit: ManifestLimits.word)
            guard !choices.contains(choice) else { throw fields.problem("choices", "has '\(choice)' twice") }
            choices.append(choice)
        }
        return choices
    }

    private func check(_ option: OptionDeclaration, _ fields: FieldReader) throws(PluginProblem) {
        let isEnum = option.type == .enum || option.itemType == .enum
        guard isEnum == !option.choices.isEmpty else {
            throw fields.problem(
                "choices", isEnum ? "is empty, and an enum needs them" : "are given, and only an enum has them")
        }
        guard !option.isRequired || option.defaultValue == nil else {
            throw fields.problem("default_value", "is given, and the option is required: it would never be used")
        }
        if option.type == .enum, let value = option.defaultValue, !option.choices.contains(value) {
            throw fields.problem("default_value", "is '\(value)', which is not among the choices")
        }
    }

    /// Names are unique, and none is both an option and a group of options.
    private func checkNames(_ options: [OptionDeclaration]) throws(PluginProblem) {
        var names: Set<String> = []
        for option in options where !names.insert(option.name).inserted {
            throw PluginProblem("the manifest's options has two called '\(option.name)'")
        }
        for option in options {
            var group = Substring(option.name)
            while let dot = group.lastIndex(of: ".") {
                group = group[..<dot]
                guard !names.contains(String(group)) else {
                    throw PluginProblem(
                        "the manifest's option '\(group)' cannot be a group as well, which '\(option.name)' makes it")
                }
            }
        }
    }
}
