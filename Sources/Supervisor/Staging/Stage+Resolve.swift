import Configuration
import ControlProtocol
import PluginManifest

/// Checking options and listeners against what the plugins say of themselves.
extension Stage {
    /// Checks units whose plugins have told their manifests.
    func resolve(proposal: UInt64, units: [UnitPlan]) -> [String: Resolution] {
        guard let configuration = configurations[proposal] else {
            return Dictionary(
                uniqueKeysWithValues: units.map { ($0.name, .wrong(["\($0.name): its configuration is gone"])) })
        }
        let problems = resolve(units.flatMap(\.components), in: configuration)
        var resolutions: [String: Resolution] = [:]
        for unit in units {
            let wrong = unit.components.flatMap { problems[$0] ?? [] }
            let plans = unit.components.compactMap { component in
                configuration.resolved[component].map { plan(component, $0) }
            }
            resolutions[unit.name] =
                wrong.isEmpty && plans.count == unit.components.count ? .plans(plans) : .wrong(wrong)
        }
        return resolutions
    }

    func plan(_ component: String, _ resolved: ResolvedComponent) -> ResolvedPlan {
        ResolvedPlan(component, resolved, portOffset: context.portOffset)
    }

    /// What is wrong with each of these components, given the others.
    func resolve(_ names: [String], in configuration: StagedConfiguration) -> [String: [String]] {
        var problems: [String: [String]] = [:]
        for name in names {
            guard let component = configuration.component(name), let plugin = configuration.plugins[name],
                let manifest = manifests[plugin.digest]
            else {
                problems[name] = ["\(name): its manifest is not known"]
                continue
            }
            switch ConfigurationReader.resolve(
                component, of: configuration.settings, manifest: manifest, environment: context.environment)
            {
            case .success(let resolved): configuration.resolved[name] = resolved
            case .failure(let list): problems[name] = list.texts
            }
            problems[name, default: []] += missing(manifest, component) + misplaced(name, configuration)
        }
        addConflicts(of: names, in: configuration, to: &problems)
        return problems.filter { !$0.value.isEmpty }
    }

    private func missing(_ manifest: Manifest, _ component: ComponentSettings) -> [String] {
        let granted = component.grantedCapabilities.map(\.value)
        return manifest.requiredCapabilities.filter { !granted.contains($0) }.map { name in
            ConfigurationReader.diagnostic(
                "\(component.name) cannot work without \(name); grant it with 'grants: [\(name)]', and restart the host",
                in: component
            ).description
        }
    }

    private func misplaced(_ name: String, _ configuration: StagedConfiguration) -> [String] {
        guard let component = configuration.component(name) else { return [] }
        let addresses = (configuration.resolved[name]?.listeners ?? []).flatMap(\.addresses)
        return addresses.filter { $0.port.moved(by: context.portOffset) == nil }.map { address in
            ConfigurationReader.diagnostic(
                "port \(address.port) and --port-offset \(context.portOffset) come to no port", in: component
            ).description
        }
    }

    private func addConflicts(
        of names: [String], in configuration: StagedConfiguration, to problems: inout [String: [String]]
    ) {
        var pairs: [(ComponentSettings, ResolvedComponent)] = []
        var count = 0
        for component in configuration.components {
            guard let resolved = configuration.resolved[component.name] else { continue }
            pairs.append((component, resolved))
            let conflicts = ConfigurationReader.conflicts(pairs)
            // Whoever is not being asked about was there before.
            let blamed = names.contains(component.name) ? component.name : names.last ?? component.name
            problems[blamed, default: []] += conflicts.dropFirst(count).map(\.description)
            count = conflicts.count
        }
    }

    /// What a worker says went wrong, with the place in the file that is to blame.
    func diagnostic(_ failure: WorkerFailure, unit: UnitPlan, proposal: UInt64) -> String? {
        let name = failure.component ?? (unit.components.count == 1 ? unit.components.first : nil)
        guard failure.option != nil || failure.isConfiguration, let name,
            let component = configurations[proposal]?.component(name)
        else { return nil }
        let manifest = unit.plugins.first { $0.component == name }.flatMap { manifests[$0.digest] }
        return ConfigurationReader.diagnostic(
            "\(name): \(failure.message)", blaming: failure.option, in: component, manifest: manifest
        ).description
    }
}
