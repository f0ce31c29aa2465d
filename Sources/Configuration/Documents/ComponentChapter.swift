internal import PluginManifest

/// The manual's chapter about one component.
struct ComponentChapter {
    let component: String
    let manifest: Manifest

    var markdown: String {
        var text = """
            ## \(component)

            \(manifest.summary) Plugin `\(manifest.id)`, version \(manifest.version).


            """
        text += listeners
        text += bus
        text += options
        if !manifest.requiredCapabilities.isEmpty {
            let names = manifest.requiredCapabilities.map { "`\($0)`" }
            text += "It needs \(listed(names, with: "and")) under `grants`.\n\n"
        }
        text += helpers
        text += "```yaml\n\(example)```\n"
        return text
    }

    private var helpers: String {
        if manifest.helpers.isEmpty { return "" }
        var text = "| helper | program | may | must be granted | what it is for |\n|---|---|---|---|---|\n"
        for helper in manifest.helpers {
            let rights = [
                helper.readsFiles ? "read all files" : nil, helper.writesState ? "write its state" : nil,
            ].compactMap(\.self)
            let capabilities = helper.capabilities.map { "`\($0)`" }.joined(separator: ", ")
            text +=
                "| `\(helper.name)` | `\(helper.program)` | \(rights.joined(separator: ", ")) | \(capabilities) | "
                + "\(ConfigurationManual.cell(helper.help)) |\n"
        }
        return text + "\n"
    }

    private var listeners: String {
        if manifest.listeners.isEmpty { return "It listens nowhere.\n\n" }
        var text = "| listener | transport | port | client certificate | what it is for |\n|---|---|---|---|---|\n"
        for listener in manifest.listeners {
            let certificate = listener.transport == .https ? listener.clientCertificate.rawValue : ""
            text +=
                "| `\(listener.name)` | \(listener.transport.rawValue) | \(listener.port) | \(certificate) | "
                + "\(ConfigurationManual.cell(listener.help)) |\n"
        }
        return text + "\n"
    }

    private var bus: String {
        if manifest.bus.isEmpty { return "" }
        var text = "| on the bus | name | what it is for |\n|---|---|---|\n"
        for use in manifest.bus {
            text += "| \(use.role.rawValue) | `\(use.name)` | \(ConfigurationManual.cell(use.help)) |\n"
        }
        return text + "\n"
    }

    private var options: String {
        if manifest.options.isEmpty { return "It has no options.\n\n" }
        return ConfigurationManual.table(manifest.options.map { ($0, nil) }) + "\n"
    }

    /// A configuration of this component: its listeners, what it requires, and its first option if it requires nothing.
    private var example: String {
        var text = "components:\n  \(component):\n"
        if !manifest.listeners.isEmpty {
            text += "    listen:\n"
            for listener in manifest.listeners { text += "      \(listener.name): \"*:\(listener.port)\"\n" }
        }
        if !manifest.requiredCapabilities.isEmpty {
            text += "    grants: [\(manifest.requiredCapabilities.joined(separator: ", "))]\n"
        }
        let helperCapabilities = Set(manifest.helpers.flatMap(\.capabilities)).sorted()
        if !helperCapabilities.isEmpty {
            text += "    helpers: {grants: [\(helperCapabilities.joined(separator: ", "))]}\n"
        }
        let required = manifest.options.filter(\.isRequired)
        let shown = required.isEmpty ? Array(manifest.options.prefix(2)) : required
        if !shown.isEmpty {
            text += "    config:\n"
            var group = OptionGroup()
            for option in shown { _ = group.insert(.option(option), at: option.name) }
            text += lines(of: group, indentation: "      ")
        }
        return text
    }

    private func lines(of group: OptionGroup, indentation: String) -> String {
        group.names.map { name in
            switch group.members[name] {
            case .option(let option): "\(indentation)\(name): \(option.example)\n"
            case .group(let inner): "\(indentation)\(name):\n" + lines(of: inner, indentation: indentation + "  ")
            default: ""
            }
        }.joined()
    }
}
