import PluginManifest

/// The plugins that the golden configurations speak of, by component name.
enum SampleManifests {
    static let all: [String: Manifest] = [
        "Everything": everything, "Mirror": mirror, "Plain": manifest("plain"), "Scanner": scanner, "Twin": twin,
        "Faulty": faulty, "Clerk": clerk, "Depot": depot, "Store": depot,
    ]

    private static func manifest(
        _ name: String, listeners: [ListenerDeclaration] = [], options: [OptionDeclaration] = [],
        bus: [BusDeclaration] = [], requiredCapabilities: [String] = [], helpers: [HelperDeclaration] = []
    ) -> Manifest {
        Manifest(
            id: "org.example.\(name)", name: name, version: "1.2.3", summary: "A plugin of the tests.",
            vendor: "Example",
            licence: "MIT", url: "https://example.org/", abi: ABIVersion(major: 1, minor: 0), listeners: listeners,
            bus: bus, options: options, requiredCapabilities: requiredCapabilities, helpers: helpers)
    }

    /// An option of every type, a secret, groups, and a listener of every transport.
    static let everything = manifest(
        "everything",
        listeners: [
            ListenerDeclaration(
                name: "web", transport: .https, clientCertificate: .optional, port: 8443, help: "For browsers."),
            ListenerDeclaration(name: "files", transport: .http, port: 50003, help: "For machines."),
            ListenerDeclaration(name: "wire", transport: .raw, port: 50001, help: "A protocol of its own."),
        ],
        options: [
            OptionDeclaration(name: "verbose", type: .bool, defaultValue: "false", help: "Says more."),
            OptionDeclaration(
                name: "workers", type: .integer, defaultValue: "4", minimum: "1", maximum: "64", unit: "threads",
                help: "How many work at once."),
            OptionDeclaration(
                name: "offset", type: .integer, help: "Any whole number."),
            OptionDeclaration(
                name: "ratio", type: .number, defaultValue: "0.5", minimum: "0", maximum: "1", help: "How much of it."),
            OptionDeclaration(
                name: "greeting", type: .string, defaultValue: "hello", maximum: "20", help: "What to say."),
            OptionDeclaration(
                name: "interval", type: .duration, defaultValue: "1h", minimum: "1s", maximum: "7d", help: "How often."),
            OptionDeclaration(
                name: "cache.size", type: .bytes, defaultValue: "64MiB", minimum: "4KiB", maximum: "1GiB",
                help: "Memory for it."),
            OptionDeclaration(name: "cache.lifetime", type: .duration, defaultValue: "10m", help: "How long it keeps."),
            OptionDeclaration(name: "cache.disk.folder", type: .path, help: "Where the rest goes."),
            OptionDeclaration(name: "upstream", type: .url, help: "Where it comes from."),
            OptionDeclaration(
                name: "mode", type: .enum, defaultValue: "balanced", help: "How to trade speed for care.",
                choices: ["fast", "balanced", "careful"]),
            OptionDeclaration(name: "peer", type: .address, help: "Whom to ask."),
            OptionDeclaration(
                name: "labels", type: .list, itemType: .string, defaultValue: "[]", maximum: "3", help: "Words for it."),
            OptionDeclaration(name: "pauses", type: .list, itemType: .duration, help: "Waits, one after the other."),
            OptionDeclaration(
                name: "days", type: .list, itemType: .enum, defaultValue: "[monday]", help: "When.",
                choices: ["monday", "tuesday"]),
            OptionDeclaration(name: "token", type: .string, isSecret: true, minimum: "8", help: "Who we are."),
            OptionDeclaration(name: "admin.pin", type: .integer, isSecret: true, help: "Who may."),
        ])

    /// Options without which nothing goes, and no secret.
    static let mirror = manifest(
        "mirror",
        listeners: [ListenerDeclaration(name: "updates", transport: .http, port: 443, help: "The files.")],
        options: [
            OptionDeclaration(name: "upstream", type: .url, isRequired: true, help: "Where it comes from."),
            OptionDeclaration(name: "retry.limit", type: .integer, isRequired: true, help: "How often at most."),
            OptionDeclaration(name: "interval", type: .duration, defaultValue: "1h", help: "How often."),
        ])

    static let scanner = manifest(
        "scanner", requiredCapabilities: ["CAP_DAC_READ_SEARCH"],
        helpers: [
            HelperDeclaration(
                name: "sweeper", program: "muster-sweeper", readsFiles: true, writesState: true,
                capabilities: ["CAP_DAC_READ_SEARCH"], help: "Walks and reads."),
            HelperDeclaration(name: "judge", program: "muster-judge", help: "Parses."),
        ])

    /// Publishes, subscribes and calls.
    static let clerk = manifest(
        "clerk",
        bus: [
            BusDeclaration(role: .publishes, name: "definitions.activated", help: "There are new ones."),
            BusDeclaration(role: .subscribes, name: "fleet.news", help: "What happens."),
            BusDeclaration(role: .calls, name: "fleet.jobs", help: "To submit and to watch."),
        ])

    /// Serves what `clerk` calls.
    static let depot = manifest(
        "depot",
        bus: [
            BusDeclaration(role: .serves, name: "fleet.jobs", help: "Jobs of the fleet."),
            BusDeclaration(role: .subscribes, name: "definitions.activated", help: "To sweep anew."),
        ])

    /// On the port of one of `everything`.
    static let twin = manifest(
        "twin", listeners: [ListenerDeclaration(name: "files", transport: .http, port: 50003, help: "The same.")])

    /// What a plugin's author got wrong.
    static let faulty = manifest(
        "faulty",
        options: [
            OptionDeclaration(name: "limit", type: .integer, defaultValue: "many", help: "Default of a wrong type."),
            OptionDeclaration(name: "wait", type: .duration, minimum: "soon", help: "Bound that is none."),
            OptionDeclaration(
                name: "size", type: .bytes, defaultValue: "1KiB", minimum: "1MiB", help: "Outside itself."),
            OptionDeclaration(name: "name", type: .string, help: "Also a group."),
            OptionDeclaration(name: "name.first", type: .string, help: "Inside an option."),
        ])
}
