internal import PluginManifest

/// Every key of `components.<Name>.bus`.
enum BusKeys {
    static let deny = OptionDeclaration(
        name: "deny", type: .list, itemType: .string, defaultValue: "[]", maximum: "256",
        help: "Topics and services of the plugin's manifest that the component may not use, in whatever role.")

    /// The value of each service under `callers`.
    static let callers = OptionDeclaration(
        name: "callers", type: .list, itemType: .string, maximum: "256",
        help: "The components that may call the service.")

    static let callersHelp =
        "Which components may call a service that the component serves, by its name; otherwise all."

    static let group: OptionGroup = {
        var group = OptionGroup()
        _ = group.insert(.option(deny), at: deny.name)
        _ = group.insert(.section(help: callersHelp), at: "callers")
        return group
    }()
}
