internal import PluginManifest

/// What a section of the configuration holds.
struct ReadSection {
    /// By dotted name; only what the file gives.
    var options: [String: ReadOption] = [:]
    /// The members that are read by other means, by dotted name.
    var sections: [String: YAMLEntry] = [:]
}

extension OptionReader {
    /// The entries of a mapping; none, and a problem, where it is something else. Nothing at all is an empty mapping.
    mutating func entries(
        of entry: YAMLEntry, name: String, example: String, holdsSecrets: Bool = false
    ) -> [YAMLEntry] {
        if entry.value.isNull { return [] }
        if case .mapping(let entries) = entry.value.content { return entries }
        if holdsSecrets { problems.hidden += entry.value.allSpans }
        var found = entry.value.kind
        if case .scalar(let scalar) = entry.value.content {
            let isPair = scalar.style == .plain && scalar.text.contains(":")
            found = isPair ? "text; after the ':' of a key comes a blank" : "text"
        }
        problems.add("\(name): expected a mapping such as \(example), found \(found)", at: entry.blamedSpan)
        return []
    }

    /// Everything that `group` knows; what it does not know is a problem with the nearest name.
    mutating func section(_ entries: [YAMLEntry], as group: OptionGroup) -> ReadSection {
        var result = ReadSection()
        read(entries, as: group, of: group, prefix: "", into: &result)
        return result
    }

    private mutating func read(
        _ entries: [YAMLEntry], as group: OptionGroup, of root: OptionGroup, prefix: String,
        into result: inout ReadSection
    ) {
        for entry in entries {
            let name = prefix + entry.key
            let fullName = "\(title).\(name)"
            switch group.members[entry.key] {
            case .option(let declaration):
                if let value = value(of: entry, as: declaration, name: fullName) {
                    result.options[name] = ReadOption(value: value, entry: entry)
                }
            case .group(let inner):
                let example = "{\(inner.example)}"
                let inside = self.entries(of: entry, name: fullName, example: example, holdsSecrets: inner.hasSecrets)
                read(inside, as: inner, of: root, prefix: name + ".", into: &result)
            case .section:
                result.sections[name] = entry
            case nil:
                unknown(entry, in: group, of: root, prefix: prefix)
            }
        }
    }

    private mutating func unknown(_ entry: YAMLEntry, in group: OptionGroup, of root: OptionGroup, prefix: String) {
        if problems.isFull {
            problems.hidden += entry.value.allSpans
            problems.add("unknown key", at: entry.keySpan)
            return
        }
        if mayBeSecret(entry.key, in: group, of: root) { problems.hidden += entry.value.allSpans }
        let place = prefix.isEmpty ? title : "\(title).\(prefix.dropLast())"
        problems.add(
            "unknown key \(quoted(entry.key)) in \(place)\(advice(on: entry.key, in: group))", at: entry.keySpan)
    }

    /// Whether an unknown key may be a secret's whose name is misspelt, or that is in the wrong place.
    private func mayBeSecret(_ key: String, in group: OptionGroup, of root: OptionGroup) -> Bool {
        if SuspectedSecrets.isSuspicious(key) { return true }
        let meant = group.names(endingWith: key).first ?? NearestName.of(key, among: group.validNames)
        switch meant.flatMap(group.member) {
        case .option(let declaration)?: return declaration.isSecret
        // An option beside `config`, of a plugin that is not known yet, may be anything.
        default: return root.hasSecrets || root.members["config"] != nil
        }
    }

    private func advice(on key: String, in group: OptionGroup) -> String {
        if key.contains("."), group.member(key) != nil {
            let parts = key.split(separator: ".")
            let nested = parts.dropLast().reversed().reduce("\(parts.last ?? ""): …") { "\($1): {\($0)}" }
            return "; write \(nested)"
        }
        if let elsewhere = group.names(endingWith: key).first { return "; did you mean '\(elsewhere)'?" }
        if let near = NearestName.of(key, among: group.validNames) { return "; did you mean '\(near)'?" }
        let names = group.validNames
        if names.isEmpty { return "; nothing can be set here" }
        let valid = names.count == 1 ? "; the only key is \(names[0])" : "; the keys are \(listed(names, with: "and"))"
        guard case .section? = group.members["config"] else { return valid }
        return valid + "; the plugin's own options go under config"
    }
}

extension OptionGroup {
    /// The first of its keys with a value, as YAML.
    var example: String {
        guard let name = validNames.first else { return "key: value" }
        return switch members[name] {
        case .option(let declaration): "\(name): \(declaration.example)"
        case .group(let inner): "\(name): {\(inner.example)}"
        default: "\(name): …"
        }
    }

    /// Whether an option below is a secret.
    var hasSecrets: Bool {
        members.values.contains { member in
            switch member {
            case .option(let declaration): declaration.isSecret
            case .group(let group): group.hasSecrets
            case .section: false
            }
        }
    }
}

extension OptionReader {
    /// Two keys of which one without the other means nothing.
    mutating func requireTogether(_ first: String, _ second: String, in section: ReadSection, _ prefix: String) {
        for (name, other) in [(first, second), (second, first)] {
            guard let entry = section.options[name]?.entry, section.options[other] == nil else { continue }
            problems.add(
                "\(prefix)\(name) is given without \(prefix)\(other); the two belong together", at: entry.keySpan)
        }
    }
}
