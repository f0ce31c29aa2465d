internal import ArgumentParser
internal import Console

struct PluginCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugin",
        abstract: "List plugins, and show what one offers.",
        subcommands: [PluginListCommand.self, PluginDescribeCommand.self])
}

/// Where the host would look for plugins.
struct PluginFolders: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A configuration whose host.plugin_dirs to look in, too; none: beside the executable only.",
            valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?
}

struct PluginListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the plugins that a host would find.",
        discussion: """
            Each is loaded in a process of its own, so that a broken one harms nothing.

              muster plugin list --config /etc/muster/config.yaml
            """)

    @OptionGroup var folders: PluginFolders

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let plugins = try PluginCatalogue(configurationPath: folders.config).list()
        if json { return try Output.showJSON(plugins) }
        Output.show(PluginListView(plugins).render(on: Output.terminal))
    }
}

struct PluginDescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe",
        abstract: "Show a plugin's listeners and options.",
        discussion: """
              muster plugin describe UpdateDistributor
              muster plugin describe ./libInventory.so --json
            """)

    @Argument(
        help: ArgumentHelp("The plugin's file, or its name as a component.", valueName: "file-or-name"),
        completion: .file(extensions: ["so"]))
    var plugin: String

    @OptionGroup var folders: PluginFolders

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let manifest = try PluginCatalogue(configurationPath: folders.config).manifest(of: plugin)
        if json { return try Output.showJSON(manifest) }
        Output.show(PluginView(manifest).render(on: Output.terminal))
    }
}
