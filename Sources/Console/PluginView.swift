public import PluginManifest

/// What a plugin says of itself, as `muster plugin describe` prints it.
public struct PluginView: Sendable {
    public var manifest: Manifest

    public init(_ manifest: Manifest) { self.manifest = manifest }

    /// Several lines without a final line break.
    public func render(on terminal: Terminal) -> String {
        var blocks = [heading(on: terminal), facts(on: terminal)]
        if !manifest.listeners.isEmpty {
            blocks.append(section("Listeners", manifest.listeners.map { listener($0) }, on: terminal))
        }
        if !manifest.bus.isEmpty {
            blocks.append(
                section("Bus", manifest.bus.map { ("\($0.role.rawValue) \(oneLine($0.name))", $0.help) }, on: terminal))
        }
        if !manifest.helpers.isEmpty {
            blocks.append(section("Helpers", manifest.helpers.map { helper($0) }, on: terminal))
        }
        if !manifest.options.isEmpty {
            blocks.append(section("Options", manifest.options.map { option($0) }, on: terminal))
        }
        return blocks.joined(separator: "\n\n")
    }

    private func heading(on terminal: Terminal) -> String {
        let title = Style.strong("\(oneLine(manifest.name)) \(oneLine(manifest.version))", if: terminal.usesColor)
        return "\(title) (\(oneLine(manifest.id)))\n" + oneLine(manifest.summary).wrapped(to: terminal.width)
    }

    private func facts(on terminal: Terminal) -> String {
        let (abi, minimum) = (manifest.abi, manifest.minimumABIMinor)
        let pairs = [
            ("vendor", manifest.vendor), ("licence", manifest.licence), ("website", manifest.url),
            ("ABI", minimum == abi.minor ? "\(abi)" : "\(abi), and from \(abi.major).\(minimum) on"),
            ("needs", manifest.requiredExtensions.joined(separator: ", ")),
            ("must be granted", manifest.requiredCapabilities.joined(separator: ", ")),
        ].filter { !$0.1.isEmpty }
        let width = (pairs.map(\.0.count).max() ?? 0) + 2
        return pairs.map { name, value in
            let label = name + String(repeating: " ", count: width - name.count)
            let indent = String(repeating: " ", count: width + 2)
            return "  \(label)" + oneLine(value).wrapped(to: terminal.width, indent: indent)
        }.joined(separator: "\n")
    }

    private func section(_ title: String, _ entries: [(head: String, help: String)], on terminal: Terminal) -> String {
        let texts = entries.map { entry in
            let help = oneLine(entry.help).wrapped(to: terminal.width, indent: "      ")
            return "  \(entry.head)" + (help.isEmpty ? "" : "\n      \(help)")
        }
        return Style.strong(title, if: terminal.usesColor) + "\n" + texts.joined(separator: "\n")
    }

    private func listener(_ listener: ListenerDeclaration) -> (head: String, help: String) {
        let certificate =
            switch listener.clientCertificate {
            case .none: ""
            case .optional: ", client certificate optional"
            case .required: ", client certificate required"
            }
        let head = "\(oneLine(listener.name)) (\(listener.transport.rawValue), port \(listener.port)\(certificate))"
        return (head, listener.help)
    }

    private func helper(_ helper: HelperDeclaration) -> (head: String, help: String) {
        var facts = [helper.program]
        if helper.readsFiles { facts.append("reads all files") }
        if helper.writesState { facts.append("writes the component's state") }
        if !helper.capabilities.isEmpty {
            facts.append("must be granted \(helper.capabilities.joined(separator: ", "))")
        }
        return ("\(oneLine(helper.name)) (\(oneLine(facts.joined(separator: ", "))))", helper.help)
    }

    private func option(_ option: OptionDeclaration) -> (head: String, help: String) {
        var facts = [Self.type(of: option)]
        if option.isRequired { facts.append("required") }
        if option.isSecret { facts.append("secret") }
        if let value = option.defaultValue { facts.append("default \(value)") }
        switch (option.minimum, option.maximum) {
        case (let least?, let greatest?): facts.append("\(least) to \(greatest)")
        case (let least?, nil): facts.append("at least \(least)")
        case (nil, let greatest?): facts.append("at most \(greatest)")
        case (nil, nil): break
        }
        if let unit = option.unit { facts.append("in \(unit)") }
        return ("\(oneLine(option.name)) (\(oneLine(facts.joined(separator: ", "))))", option.help)
    }

    private static func type(of option: OptionDeclaration) -> String {
        let choices = option.choices.joined(separator: " | ")
        let item = option.itemType.map { $0 == .enum ? choices : $0.rawValue } ?? "values"
        return switch option.type {
        case .enum: choices
        case .list: "list of \(item)"
        default: option.type.rawValue
        }
    }
}
