internal import PluginManifest

/// A component's `bus` against its plugin's manifest and the components of the file.
struct BusReader {
    private let component: ComponentSettings
    private let manifest: Manifest
    private let components: [String]

    init(_ component: ComponentSettings, manifest: Manifest, components: [String]) {
        self.component = component
        self.manifest = manifest
        self.components = components
    }

    /// What the manifest declares with what `entry` takes away; nil: nothing.
    func bus(_ entry: YAMLEntry?, _ reader: inout OptionReader) -> ResolvedBus {
        var bus = ResolvedBus(declarations: manifest.bus)
        guard let entry else { return bus }
        let names = Self.unique(manifest.bus.map(\.name))
        let example = "{deny: [\(names.first ?? "definitions.activated")]}"
        let section = reader.section(
            reader.entries(of: entry, name: reader.title, example: example), as: BusKeys.group)
        if let denied = section.options["deny"] {
            let found = "the plugin of \(component.name) has no topic or service"
            bus.denied = list(denied, "\(reader.title).deny", among: names, otherwise: found, &reader)
        }
        if let callers = section.sections["callers"] { bus.callers = self.callers(callers, &reader) }
        return bus
    }

    private func callers(_ entry: YAMLEntry, _ reader: inout OptionReader) -> [String: [String]] {
        let services = manifest.bus.filter { $0.role == .serves }.map(\.name)
        let title = "\(reader.title).callers"
        let example = "{\(services.first ?? "fleet.jobs"): [\(components.first ?? "SweepHandler")]}"
        var callers: [String: [String]] = [:]
        for entry in reader.entries(of: entry, name: title, example: example) {
            guard services.contains(entry.key) else {
                reader.problems.add(
                    "the plugin of \(component.name) serves no \(quoted(entry.key))"
                        + advice(on: entry.key, among: services), at: entry.keySpan)
                continue
            }
            let name = "\(title).\(entry.key)"
            guard let value = reader.value(of: entry, as: BusKeys.callers, name: name) else { continue }
            callers[entry.key] = list(
                ReadOption(value: value, entry: entry), name, among: components, otherwise: "there is no component",
                &reader)
        }
        return callers
    }

    /// The items of a list, sorted, each known and there once.
    private func list(
        _ option: ReadOption, _ name: String, among names: [String], otherwise sentence: String,
        _ reader: inout OptionReader
    ) -> [String] {
        let items = SettingValue(option, in: reader.problems.source).list.map(\.value)
        var spans: [SourceSpan] = []
        if case .sequence(let nodes)? = option.entry?.value.content { spans = nodes.map(\.span) }
        var seen: Set<String> = []
        for (index, item) in items.enumerated() {
            let span = spans.indices.contains(index) ? spans[index] : option.entry?.blamedSpan
            if !names.contains(item) {
                reader.problems.add(
                    "\(name): \(sentence) \(quoted(item))\(advice(on: item, among: names))", at: span)
            } else if !seen.insert(item).inserted {
                reader.problems.add("\(name): \(quoted(item)) is here twice; remove one of the two", at: span)
            }
        }
        return seen.sorted()
    }

    private func advice(on name: String, among names: [String]) -> String {
        if let near = NearestName.of(name, among: names) { return "; did you mean '\(near)'?" }
        if names.isEmpty { return "; it has none" }
        return names.count == 1 ? "; the only one is \(names[0])" : "; there are \(listed(names, with: "and"))"
    }

    private static func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}
