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
        credentials.rest()
        var resolutions: [String: Resolution] = [:]
        for unit in units {
            let wrong = unit.components.flatMap { problems[$0] ?? [] }
            let plans = unit.components.compactMap { component in
                configuration.resolved[component].map { plan(component, $0, configuration) }
            }
            resolutions[unit.name] =
                wrong.isEmpty && plans.count == unit.components.count ? .plans(plans) : .wrong(wrong)
        }
        return resolutions
    }

    func plan(
        _ component: String, _ resolved: ResolvedComponent, _ configuration: StagedConfiguration
    ) -> ResolvedPlan {
        var plan = ResolvedPlan(component, resolved, portOffset: context.portOffset)
        for listener in resolved.listeners {
            plan.credentials[listener.name] = configuration.credentials["\(component)/\(listener.name)"]?.number
        }
        plan.helpers = configuration.helpers[component] ?? []
        return plan
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
            if let own = configuration.settings.host.builtIns.first(where: { $0.component.name == name }) {
                // Its section was checked when the file was read.
                configuration.resolved[name] = own.resolved
                problems[name] = misplaced(name, configuration)
                continue
            }
            switch ConfigurationReader.resolve(
                component, of: configuration.settings, manifest: manifest, environment: context.environment)
            {
            case .success(let resolved):
                configuration.resolved[name] = resolved
                problems[name] = loadCredentials(for: resolved, of: component, in: configuration)
            case .failure(let list): problems[name] = list.texts
            }
            problems[name, default: []] += missing(manifest, component) + misplaced(name, configuration)
            problems[name, default: []] += stageHelpers(of: component, manifest, plugin, in: configuration)
        }
        addConflicts(of: names, in: configuration, to: &problems)
        return problems.filter { !$0.value.isEmpty }
    }

    /// Reads what the https listeners of a component are served with; answers what is wrong with it.
    private func loadCredentials(
        for resolved: ResolvedComponent, of component: ComponentSettings, in configuration: StagedConfiguration
    ) -> [String] {
        resolved.listeners.filter { $0.transport == .https }.compactMap { listener -> String? in
            do throws(CredentialProblem) {
                configuration.credentials["\(component.name)/\(listener.name)"] = try credentials.load(
                    listener, of: component.name, host: configuration.settings.host)
                return nil
            } catch {
                let message = "\(component.name)'s listener '\(listener.name)': \(error.message)"
                return ConfigurationReader.diagnostic(message, at: error.location, in: component).description
            }
        }
    }

    /// Looks at the files of a configuration that runs again: the host's own certificate may be renewed by it, and the
    /// end of another may have to be told. What cannot be read now stays as it was.
    func reloadCredentials(of proposal: UInt64) {
        guard let configuration = configurations[proposal] else { return }
        let host = configuration.settings.host
        for (name, resolved) in configuration.resolved {
            // An operator's files are looked at in their own time.
            for listener in resolved.listeners
            where listener.transport == .https && listener.certificate == nil && host.identity.certificate == nil {
                guard let loaded = try? credentials.load(listener, of: name, host: host) else { continue }
                configuration.credentials["\(name)/\(listener.name)"] = loaded
            }
        }
        for loaded in configuration.credentials.values { credentials.remarkOnExpiry(loaded) }
        credentials.rest()
    }

    /// Looks whether the operator's files of a configuration that runs have changed, and takes over those that can be
    /// served with; of others the log is told once. Answers whether anything was taken over.
    func lookAtCredentials(of proposal: UInt64, _ watch: inout CredentialWatch) -> Bool {
        guard let configuration = configurations[proposal] else { return false }
        watch.retain(Set(configuration.credentials.keys))
        let host = configuration.settings.host
        var told: Set<String> = []
        func tell(_ level: LogLevel, _ sentence: String) {
            if told.insert(sentence).inserted { credentials.remark(level, sentence) }
        }
        var hasChanged = false
        for (component, resolved) in configuration.resolved.sorted(by: { $0.key < $1.key }) {
            for listener in resolved.listeners where listener.transport == .https {
                let name = "\(component)/\(listener.name)"
                guard let former = configuration.credentials[name],
                    let marks = credentials.marks(of: listener, of: component, host: host)
                else { continue }
                switch watch.look(at: name, marks, read: former.marks) {
                case .same: break
                case .unsound(let sentence): tell(.warning, sentence)
                case .changed:
                    do throws(CredentialProblem) {
                        let loaded = try credentials.load(listener, of: component, host: host)
                        configuration.credentials[name] = loaded
                        watch.note(sound: name)
                        guard loaded.number != former.number else { continue }
                        hasChanged = true
                        tell(.notice, "took over what changed on disk: the certificate \(loaded.path)")
                    } catch {
                        let sentence = "\(error.message); listeners go on with what they had before it changed"
                        watch.note(unsound: sentence, name, marks)
                    }
                }
            }
        }
        credentials.rest()
        return hasChanged
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
