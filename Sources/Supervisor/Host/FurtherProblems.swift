import Configuration
import PluginManifest

/// What else is wrong with a configuration whose file has errors already, so that the operator mends all of it in one
/// go: options and listeners of the components whose own entry is right, and plugins that are missing.
enum FurtherProblems {
    /// For a start or a check. Each plugin is asked for its manifest by a process of its own, and copied nowhere that
    /// lasts. Each problem is a whole message for the operator.
    static func found(_ options: RunOptions, environment: [String: String]) -> [String] {
        guard let settings = ConfigurationReader.soundPart(path: options.configurationPath, environment: environment),
            settings.components.contains(where: \.isEnabled),
            let scratch = try? ScratchDirectory(environment: environment)
        else { return [] }
        defer { withExtendedLifetime(scratch) {} }
        let context = Stage.Context(
            environment: environment, portOffset: options.portOffset, executable: Files.executablePath(),
            scratch: scratch.path)
        let stage = Stage(context: context, data: DataDirectory(path: settings.host.dataDirectory.value))
        return stage.problems(of: settings) { plugin in
            // A plugin that cannot be loaded is told of once the file is right: here it would only hide the rest.
            try? PluginProbe(path: plugin.originPath, environment: environment).run()
        }
    }
}
