import MusterABI

/// An option of any type, seen without it.
protocol DeclaredOption {
    var declaration: OptionDeclaration { get }
    /// Takes the host's value under the full name; false where it does not fit the type.
    func load(_ input: OptionInput?, name: String) -> Bool
}

extension Option: DeclaredOption {
    func load(_ input: OptionInput?, name: String) -> Bool {
        let value = input.map { Value(optionInput: $0) } ?? defaultValue ?? Value.absent
        guard let value else { return false }
        _ = loaded.content.storeIfNil(LoadedOption<Value>.Content(name: name, value: value))
        return true
    }
}

/// The options of a group, with those of its groups, under their full names.
struct OptionTable {
    struct Entry {
        let name: String
        let option: any DeclaredOption
    }

    private(set) var entries: [Entry] = []

    init(_ group: some OptionGroup) { collect(group, prefix: "") }

    private mutating func collect(_ group: some OptionGroup, prefix: String) {
        for child in Mirror(reflecting: group).children {
            // A property wrapper is stored under the property's name with an underscore before it.
            let label = String((child.label ?? "").drop { $0 == "_" })
            if let option = child.value as? any DeclaredOption {
                entries.append(Entry(name: prefix + (option.declaration.name ?? label.lowerCaseWords), option: option))
            } else if let inner = child.value as? any OptionGroup {
                collect(inner, prefix: prefix + label.lowerCaseWords + ".")
            }
        }
    }

    /// Fills every option with what the host has for it.
    func load(from options: UnsafePointer<muster_options>?) throws(PluginError) {
        guard let options, isUsable(options, size: MUSTER_OPTIONS_SIZE_1_0), let find = options.pointee.find else {
            throw PluginError("The host handed over options that are not of ABI \(MUSTER_ABI_MAJOR).")
        }
        for entry in entries {
            let value = withABIText(entry.name) { find(options.pointee.context, $0) }
            if value == nil, entry.option.declaration.isRequired {
                throw PluginError("It is required.", kind: .configuration, option: entry.name)
            }
            let input = value.flatMap { OptionInput($0.pointee) }
            guard value == nil || input != nil, entry.option.load(input, name: entry.name) else {
                throw PluginError(
                    "The host gave a value that is not a \(entry.option.declaration.type.kind).", kind: .configuration,
                    option: entry.name)
            }
        }
    }
}

extension OptionInput {
    /// A copy of the host's value; nil where its type is unknown or its text not UTF-8.
    init?(_ value: muster_value, isItem: Bool = false) {
        guard let kind = OptionType.Kind(rawValue: value.type) else { return nil }
        switch kind {
        case .bool: self.init(kind: kind, payload: .bool(value.as.boolean != 0))
        case .integer, .duration, .bytes: self.init(kind: kind, payload: .integer(value.as.integer))
        case .number: self.init(kind: kind, payload: .number(value.as.number))
        case .string, .path, .url, .enum, .address:
            guard let text = value.as.string.validText else { return nil }
            self.init(kind: kind, payload: .text(text))
        case .list:
            guard !isItem else { return nil }
            let list = UnsafeBufferPointer(
                start: value.as.list.items, count: value.as.list.items == nil ? 0 : value.as.list.count)
            var items: [OptionInput] = []
            for element in list {
                guard let item = OptionInput(element, isItem: true) else { return nil }
                items.append(item)
            }
            self.init(kind: kind, payload: .list(items))
        }
    }
}

extension String {
    /// `maxOpenFiles` as `max_open_files`.
    var lowerCaseWords: String {
        var words = ""
        for character in self {
            if character.isUppercase, !words.isEmpty { words += "_" }
            words += character.lowercased()
        }
        return words
    }
}
