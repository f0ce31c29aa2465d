internal import ArgumentParser
internal import Configuration

struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print a JSON Schema of the configuration, for editors.",
        discussion: """
            With it an editor completes keys, shows help and marks mistakes. It knows the options of every component in \
            the configuration, or without one of every plugin that is found.

              muster schema config.yaml > config.schema.json

            Then the first line of config.yaml: # yaml-language-server: $schema=config.schema.json
            """)

    @Argument(
        help: "A configuration whose components to describe; none: all plugins that are found.",
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    @Flag(help: "Print the manual of the configuration in Markdown instead.")
    var markdown = false

    func run() throws {
        let catalogue = try PluginCatalogue(configurationPath: config)
        let manifests = try catalogue.manifests()
        if markdown {
            Output.draw(ConfigurationManual.markdown(manifests: manifests))
        } else {
            Output.show(ConfigurationSchema.json(manifests: manifests))
        }
    }
}
