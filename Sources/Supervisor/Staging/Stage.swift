import CLinux
import Configuration
import ControlProtocol
import Glibc
import PluginManifest

/// Turns `config.yaml` into proposals: reads it, finds and copies plugins, and checks options against manifests. All
/// that is wrong is told at once. Nothing of what runs is touched.
final class Stage {
    struct Context {
        var environment: [String: String]
        var portOffset = 0
        var executable: String?
        /// Whom workers run as; nil: the user the host is.
        var account: Account?
        /// Capabilities the host has to give away; nil: not decided yet, all may be granted.
        var grantable: Set<String>?
        /// For `check`: copies of plugins are kept here instead, and no folder is made for components.
        var scratch: String?
    }

    var context: Context
    let data: DataDirectory
    let store: PluginStore
    let credentials: CredentialStore
    /// What plugins said of themselves, by the digest of their code.
    private(set) var manifests: [String: Manifest] = [:]
    private(set) var configurations: [UInt64: StagedConfiguration] = [:]
    private var lastID: UInt64 = 0

    init(context: Context, data: DataDirectory) {
        self.context = context
        self.data = data
        store = PluginStore(directory: context.scratch ?? data.plugins)
        credentials = CredentialStore(
            data: data, isScratch: context.scratch != nil, environment: context.environment,
            account: context.account)
    }

    func note(_ manifest: Manifest, digest: String) { manifests[digest] = manifest }

    /// Forgets every configuration but these, and removes the copies of plugins that only others used.
    func retain(_ ids: Set<UInt64>, keeping digests: Set<String>) {
        // The newest may be on its way to the machine.
        configurations = configurations.filter { ids.contains($0.key) || $0.key == lastID }
        let used = Set(configurations.values.flatMap { $0.plugins.values.map(\.digest) }).union(digests)
        let programs = Set(configurations.values.flatMap { $0.helpers.values.joined().map(\.copy.digest) })
        manifests = manifests.filter { used.contains($0.key) }
        if context.scratch == nil { store.retain(used.union(programs)) }
        credentials.retain(Set(configurations.values.flatMap { $0.credentials.values.map(\.number) }))
    }

    // MARK: Reading

    /// What a reload is to make of the host, or everything that is wrong with it.
    ///
    /// - Parameter pinned: the plugins of the last good configuration, taken instead of what is found now.
    func stage(_ settings: Settings, pinned: [String: PluginPlan] = [:]) -> Result<Proposal, StagingFailure> {
        let (configuration, problems) = examine(settings, pinned) { _ in nil }
        guard problems.isEmpty else { return .failure(StagingFailure(diagnostics: problems)) }
        configurations[configuration.id] = configuration
        return .success(
            Proposal(
                id: configuration.id, limits: Limits(settings.host.supervision), units: units(of: configuration)))
    }

    /// All that is wrong with `settings`, as far as the manifests are known or `probe` has them; nothing is proposed.
    func problems(of settings: Settings, probe: (PluginPlan) -> Manifest?) -> [String] {
        examine(settings, [:], probe: probe).problems
    }

    private func examine(
        _ settings: Settings, _ pinned: [String: PluginPlan], probe: (PluginPlan) -> Manifest?
    ) -> (configuration: StagedConfiguration, problems: [String]) {
        lastID += 1
        let configuration = StagedConfiguration(id: lastID, settings: settings)
        var problems: [String] = []
        for component in configuration.components {
            do throws(Refusal) {
                let plugin = try plan(component, settings, pinned[component.name])
                configuration.plugins[component.name] = plugin
                if manifests[plugin.digest] == nil { manifests[plugin.digest] = probe(plugin) }
            } catch {
                problems.append(ConfigurationReader.diagnostic(error.reason, in: component).description)
            }
            problems += ungrantable(component)
        }
        let known = configuration.components.filter { component in
            configuration.plugins[component.name].map { manifests[$0.digest] != nil } ?? false
        }
        let wrong = resolve(known.map(\.name), in: configuration)
        credentials.rest()
        problems += known.flatMap { wrong[$0.name] ?? [] }
        return (configuration, problems)
    }

    private func plan(
        _ component: ComponentSettings, _ settings: Settings, _ pinned: PluginPlan?
    ) throws(Refusal) -> PluginPlan {
        if let builtIn = component.builtIn { return plan(builtIn, of: component) }
        let finder = PluginFinder(
            executable: context.executable, pluginDirectories: settings.host.pluginDirectories.map(\.value))
        let name = component.pluginPath?.value ?? PluginFinder.fileName(of: component.name)
        if let pinned, let copy = store.copy(digest: pinned.digest, fileName: Files.name(of: pinned.copyPath)) {
            try makeStateDirectory(component.name)
            return plan(component, origin: pinned.originPath, copy)
        }
        guard let origin = finder.find(name) else {
            let places = name.hasPrefix("/") ? name : "\(name) in \(finder.directories.joined(separator: ", "))"
            throw Refusal(
                reason: "no plugin for \(component.name): there is no \(places); install it, name its file in "
                    + "'plugin', or set 'enabled: false'")
        }
        try makeStateDirectory(component.name)
        return plan(component, origin: origin, try store.stage(origin))
    }

    private func makeStateDirectory(_ component: String) throws(Refusal) {
        if context.scratch == nil { try data.createComponent(component, for: context.account) }
    }

    private func plan(_ component: ComponentSettings, origin: String, _ copy: PluginStore.Copy) -> PluginPlan {
        PluginPlan(
            component: component.name, originPath: origin, digest: copy.digest, copyPath: copy.path,
            stateDirectory: data.component(component.name), place: "\(component.location)")
    }

    private func plan(_ builtIn: BuiltInComponent, of component: ComponentSettings) -> PluginPlan {
        let digest = "built-in \(builtIn.name)"
        manifests[digest] = builtIn.manifest(version: HostVersion.current)
        return PluginPlan(
            component: builtIn.name, originPath: context.executable ?? "", digest: digest, copyPath: "",
            stateDirectory: "", place: "\(component.location)", builtIn: builtIn)
    }

    private func ungrantable(_ component: ComponentSettings) -> [String] {
        guard let grantable = context.grantable else { return [] }
        return (component.grantedCapabilities + component.helperCapabilities).filter { !grantable.contains($0.value) }
            .map { grant in
                ConfigurationReader.diagnostic(
                    "\(component.name) cannot be granted \(grant.value): the host does not have it. A grant that is new "
                        + "takes a restart of the host, started as root", in: component
                ).description
            }
    }

    private func units(of configuration: StagedConfiguration) -> [UnitPlan] {
        let names = configuration.components.map(\.name)
        guard configuration.settings.host.isolation == .shared, !names.isEmpty else {
            return names.map { unit($0, [$0], configuration) }
        }
        let own = configuration.components.filter { $0.builtIn != nil }.map(\.name)
        let plugins = names.filter { !own.contains($0) }
        return (plugins.isEmpty ? [] : [unit("shared", plugins, configuration)])
            + own.map { unit($0, [$0], configuration) }
    }

    private func unit(_ name: String, _ components: [String], _ configuration: StagedConfiguration) -> UnitPlan {
        let host = configuration.settings.host
        let grants = components.compactMap(configuration.component).flatMap(\.grantedCapabilities).map(\.value)
        let resolved = components.compactMap { component in
            configuration.resolved[component].map { plan(component, $0, configuration) }
        }
        return UnitPlan(
            name: name, plugins: components.compactMap { configuration.plugins[$0] },
            privileges: Privileges(
                userID: context.account?.userID, groupID: context.account?.groupID,
                supplementaryGroupIDs: context.account?.supplementaryGroupIDs ?? [],
                capabilities: Set(grants).sorted()),
            // The host's own have little to do.
            loopCount: components.allSatisfy { configuration.component($0)?.builtIn != nil } ? 1 : host.loopCount,
            logLevel: LogLevel(rawValue: host.logLevel) ?? .info, isDebugging: host.isDebugging,
            resolved: resolved.count == components.count ? resolved : nil)
    }
}

/// Everything that is wrong with a configuration, each as the operator reads it.
struct StagingFailure: Error {
    var diagnostics: [String]
}
