internal import PluginManifest

/// Every key of an entry of `components`.
enum ComponentKeys {
    static let all: [SettingKey<ComponentSettings>] = [
        SettingKey("enabled", .bool, default: "true", help: "Whether the component runs.") { $0.isEnabled = $1.bool },
        SettingKey(
            "plugin", .string, defaultNote: "`lib<Name>.so`", from: "1", to: "4096",
            help: "The plugin's file: a name that is looked for as the default is, or a path."
        ) { $0.pluginPath = $1.located },
        SettingKey(
            "grants", .list, of: .string, default: "[]", to: "64",
            help: "Linux capabilities that the component may keep, such as CAP_DAC_READ_SEARCH."
        ) { $0.grantedCapabilities = $1.list },
        SettingKey(
            "helpers.grants", .list, of: .string, default: "[]", to: "64",
            help: "Linux capabilities for helpers that the plugin declares; the component itself does not get them."
        ) { $0.helperCapabilities = $1.list },
        SettingKey(
            "helpers.without", .list, of: .enum, default: "[]", choices: ["landlock", "seccomp"],
            help:
                "Seals that helpers may start without where the kernel lacks them; otherwise they are not started there."
        ) { $0.helpersMayLack = $1.list },
    ]

    static let sections = [
        ("listen", "Where each of the plugin's listeners listens, by the listener's name."),
        ("bus", "What is taken from the component on the bus, and who may call its services."),
        ("config", "The plugin's own options."),
    ]

    static let group: OptionGroup = {
        var group = OptionGroup()
        for key in all { _ = group.insert(.option(key.declaration), at: key.declaration.name) }
        for (name, help) in sections { _ = group.insert(.section(help: help), at: name) }
        return group
    }()

    /// A letter, then letters, digits, `_` and `-`; at most 64 in all. It becomes a folder's and a process's name.
    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, first.isLetter, text.utf8.count <= 64 else { return false }
        return text.utf8.allSatisfy { $0.isLetter || $0.isDigit || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-") }
    }
}
