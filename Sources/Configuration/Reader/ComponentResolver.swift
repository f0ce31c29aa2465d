internal import PluginManifest

/// One component's `config` and `listen` against the manifest of its plugin.
struct ComponentResolver {
    private let component: ComponentSettings
    private let manifest: Manifest
    /// Every component that the file names.
    private let components: [String]
    private let folder: String
    private let environment: [String: String]
    private(set) var problems: Problems

    init(
        _ component: ComponentSettings, of settings: Settings, manifest: Manifest, environment: [String: String]
    ) {
        self.component = component
        self.manifest = manifest
        self.components = settings.components.map(\.name)
        self.folder = settings.folder
        self.environment = environment
        self.problems = Problems(in: component.source)
        // What is secret of its own, the manifest will tell.
        let own = Set(component.config?.value.allSpans ?? [])
        problems.hidden = component.neighbours.filter { !own.contains($0) }
    }

    mutating func resolve() -> ResolvedComponent {
        let resolved = ResolvedComponent(options: options(), listeners: listeners(), bus: bus())
        for name in manifest.requiredCapabilities
        where !component.grantedCapabilities.contains(where: { $0.value == name }) {
            problems.add(
                "the plugin of \(component.name) needs the capability \(quoted(name)); "
                    + "grant it with 'grants: [\(name)]', or do not enable the component",
                at: component.span)
        }
        return resolved
    }

    /// Runs `body` with a reader for one section, and takes over what it found.
    private mutating func read<Result>(_ title: String, _ body: (inout OptionReader) -> Result) -> Result {
        var reader = OptionReader(
            "components.\(component.name).\(title)", in: component.source, folder: folder, environment: environment)
        swap(&reader.problems, &problems)
        let result = body(&reader)
        swap(&reader.problems, &problems)
        return result
    }

    private mutating func blamePlugin(_ message: String) {
        problems.add("the plugin of \(component.name) (\(manifest.id)) is wrong: \(message)", at: component.span)
    }

    // MARK: bus

    private mutating func bus() -> ResolvedBus {
        let reading = BusReader(component, manifest: manifest, components: components)
        let entry = component.bus
        return read("bus") { reading.bus(entry, &$0) }
    }

    // MARK: config

    private mutating func options() -> [String: OptionValue] {
        var conflicts: [String] = []
        let group = OptionGroup(manifest.options, conflicts: &conflicts)
        for name in conflicts { blamePlugin("the option \(quoted(name)) is declared twice or inside another") }
        let config = component.config
        let first = manifest.options.first
        let section = read("config") { reader in
            let example = "{\(first.map { "\($0.name): \($0.example)" } ?? "")}"
            let entries =
                config.map {
                    reader.entries(of: $0, name: reader.title, example: example, holdsSecrets: group.hasSecrets)
                } ?? []
            return reader.section(entries, as: group)
        }
        var values: [String: OptionValue] = [:]
        for declaration in manifest.options where !conflicts.contains(declaration.name) {
            if let value = self.value(of: declaration, in: section) { values[declaration.name] = value }
        }
        return values
    }

    private mutating func value(of declaration: OptionDeclaration, in section: ReadSection) -> OptionValue? {
        let fallback: OptionValue?
        do throws(ScalarProblem) {
            fallback = try DefaultValue.of(declaration, folder: folder)
        } catch {
            blamePlugin("the option \(quoted(declaration.name)): \(error.hint ?? "its declaration cannot be read")")
            fallback = nil
        }
        if let option = section.options[declaration.name] { return option.value }
        let isGiven = component.entry(ofOption: declaration.name) != nil
        if declaration.isRequired, !isGiven {
            let nested = declaration.name.split(separator: ".").reversed().reduce("") { inner, key in
                inner.isEmpty ? "\(key): \(declaration.example)" : "\(key): {\(inner)}"
            }
            problems.add(
                "components.\(component.name).config: the option '\(declaration.name)' is required; write \(nested)",
                at: component.config?.keySpan ?? component.span)
        }
        return isGiven || declaration.isRequired ? nil : fallback
    }

    // MARK: listen

    private mutating func listeners() -> [ResolvedListener] {
        let listen = component.listen
        let names = manifest.listeners.map(\.name)
        let entries = read("listen") { reader in
            let name = names.first ?? "name"
            return listen.map { reader.entries(of: $0, name: reader.title, example: "{\(name): \"[::]:443\"}") } ?? []
        }
        for entry in entries where !names.contains(entry.key) {
            let advice: String
            if let near = NearestName.of(entry.key, among: names) {
                advice = "; did you mean '\(near)'?"
            } else if names.isEmpty {
                advice = "; it has none"
            } else {
                advice = names.count == 1 ? "; its only one is \(names[0])" : "; it has \(listed(names, with: "and"))"
            }
            problems.add(
                "the plugin of \(component.name) has no listener \(quoted(entry.key))\(advice)", at: entry.keySpan)
        }
        return manifest.listeners.map { declaration in
            let entry = entries.first { $0.key == declaration.name }
            return read("listen.\(declaration.name)") { ListenerReader(declaration).listener(entry, &$0) }
        }
    }
}
