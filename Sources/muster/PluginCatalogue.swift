internal import Configuration
internal import Console
internal import PluginManifest
internal import Supervisor

/// The plugins that a configuration names, or that are found where the host looks.
struct PluginCatalogue {
    private let settings: Settings?
    private let found: [FoundPlugin]

    /// - Parameter configurationPath: nil: only what is found beside the executable.
    init(configurationPath: String?) throws(CommandProblem) {
        if let configurationPath {
            switch ConfigurationReader.read(path: configurationPath, environment: Output.environment) {
            case .success(let settings): self.settings = settings
            case .failure(let list):
                Output.complain { list.render(color: $0) }
                throw CommandProblem(message: "\(configurationPath) cannot be used", status: 78)
            }
        } else {
            settings = nil
        }
        found = Host.findPlugins(configurationPath: configurationPath)
    }

    /// Every plugin that is found, a broken one with the reason.
    func list() -> [ListedPlugin] {
        found.map { plugin in
            var listed = ListedPlugin(name: plugin.name, path: plugin.path, problem: plugin.problem)
            // What the host would not load is not loaded here either.
            guard plugin.problem == nil else { return listed }
            do throws(DescriptionFailure) {
                let manifest = try Host.describe(pluginPath: plugin.path)
                (listed.version, listed.summary) = (manifest.version, manifest.summary)
            } catch {
                listed.problem = error.description
            }
            return listed
        }
    }

    /// The manifest of a plugin by its file, or by the name of its component.
    func manifest(of plugin: String) throws(CommandProblem) -> Manifest {
        if plugin.contains("/") || plugin.hasSuffix(".so") { return try describe(plugin) }
        guard let path = path(of: plugin) else {
            let names = found.map(\.name).joined(separator: ", ")
            throw CommandProblem(
                message: "no plugin called \(plugin) was found",
                advice: names.isEmpty
                    ? "Give its file: `muster plugin describe ./lib\(plugin).so`." : "Found: \(names).")
        }
        return try describe(path)
    }

    /// What each component of the configuration offers, in its order; without a configuration, each plugin by its name.
    func manifests() throws(CommandProblem) -> [(component: String, manifest: Manifest)] {
        var manifests: [(component: String, manifest: Manifest)] = []
        for component in settings?.components.map(\.name) ?? found.map(\.name) {
            manifests.append((component, try manifest(of: component)))
        }
        return manifests
    }

    private func path(of component: String) -> String? {
        let written = settings?.components.first { $0.name == component }?.pluginPath?.value
        if let written, written.contains("/") { return written }
        if let written { return found.first { $0.path.hasSuffix("/\(written)") }?.path }
        return found.first { $0.name == component }?.path
    }

    private func describe(_ path: String) throws(CommandProblem) -> Manifest {
        do throws(DescriptionFailure) {
            return try Host.describe(pluginPath: path)
        } catch {
            throw CommandProblem(message: "the plugin \(path) cannot be used: \(error)")
        }
    }
}
