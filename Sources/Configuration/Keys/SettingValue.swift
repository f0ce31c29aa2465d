internal import PluginManifest

/// A checked value of one of the host's own keys, on its way into `HostSettings` and its like.
///
/// The accessors answer what the key's declaration promises; for another type they answer something harmless, which
/// the tests show never to happen.
struct SettingValue {
    var value: OptionValue
    /// The value's place; nil: the default.
    var location: SourceLocation?
    /// The places of a list's items.
    var itemLocations: [SourceLocation] = []

    var bool: Bool { if case .bool(let value) = value { value } else { false } }

    var integer: Int64 {
        switch value {
        case .integer(let number), .duration(let number), .bytes(let number): number
        default: 0
        }
    }

    var text: String {
        switch value {
        case .string(let text), .path(let text), .enum(let text), .url(let text), .address(let text): text
        default: ""
        }
    }

    var located: Located<String> { Located(text, at: location) }

    var list: [Located<String>] {
        guard case .list(let items) = value else { return [] }
        return items.enumerated().map { index, item in
            let place = itemLocations.indices.contains(index) ? itemLocations[index] : location
            return Located(SettingValue(value: item).text, at: place)
        }
    }
}

/// A key of the host's own sections: what the manual, the JSON Schema and the reader know of it, and where its value
/// goes. The declaration is of the same kind as a plugin's options, so one reader checks both.
struct SettingKey<Target>: Sendable {
    var declaration: OptionDeclaration
    /// Said in the manual where there is no default that could be written in the file.
    var defaultNote: String?
    var store: @Sendable (inout Target, SettingValue) -> Void

    init(
        _ name: String, _ type: OptionType, of itemType: OptionType? = nil, default defaultValue: String? = nil,
        defaultNote: String? = nil, from minimum: String? = nil, to maximum: String? = nil, unit: String? = nil,
        choices: [String] = [], help: String, store: @escaping @Sendable (inout Target, SettingValue) -> Void
    ) {
        self.declaration = OptionDeclaration(
            name: name, type: type, itemType: itemType, defaultValue: defaultValue, minimum: minimum, maximum: maximum,
            unit: unit, help: help, choices: choices)
        self.defaultNote = defaultNote
        self.store = store
    }
}

extension OptionReader {
    /// The defaults of `keys`, then what the file gives, stored into `target`.
    mutating func store<Target>(_ section: ReadSection, by keys: [SettingKey<Target>], into target: inout Target) {
        for key in keys {
            let name = key.declaration.name
            if let option = section.options[name] {
                key.store(&target, SettingValue(option, in: problems.source))
            } else if let value = try? DefaultValue.of(key.declaration, folder: folder) {
                key.store(&target, SettingValue(value: value))
            }
        }
    }
}

extension SettingValue {
    init(_ option: ReadOption, in source: SourceText) {
        value = option.value
        guard let entry = option.entry else { return }
        location = source.location(entry.blamedSpan.start)
        if case .sequence(let items) = entry.value.content {
            itemLocations = items.map { source.location($0.span.start) }
        }
    }
}
