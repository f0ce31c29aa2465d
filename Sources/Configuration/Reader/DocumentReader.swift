internal import PluginManifest

/// The document as a whole: the sections `host` and `components`.
struct DocumentReader {
    private let source: SourceText
    private let environment: [String: String]
    private let folder: String
    private(set) var problems: Problems
    /// Components whose entry has a problem of its own.
    private(set) var unsound: Set<String> = []

    init(_ source: SourceText, environment: [String: String], problems: Problems) {
        self.source = source
        self.environment = environment
        self.folder = FilePath.folder(of: source.path)
        self.problems = problems
    }

    /// What can be used of the document; it is right only if there are no problems.
    mutating func settings(_ root: YAMLNode) -> Settings {
        let entries = top(root)
        let hostEntry = entries.first { $0.key == "host" }
        let componentsEntry = entries.first { $0.key == "components" }
        for entry in entries where entry.key != "host" && entry.key != "components" {
            unknown(entry)
        }
        let isMapping = if case .mapping = root.content { true } else { false }
        if componentsEntry == nil, isMapping {
            problems.add(
                "the section 'components' is missing; write 'components: {}' if nothing shall run", at: .beginning)
        }
        if let componentsEntry { problems.hidden += configurationValues(in: componentsEntry.value) }
        return Settings(
            path: source.path, host: host(hostEntry),
            components: componentsEntry.map { components($0) } ?? [], folder: folder, source: source)
    }

    private mutating func top(_ root: YAMLNode) -> [YAMLEntry] {
        if case .mapping(let entries) = root.content { return entries }
        // It may be quite another file, such as a secret's.
        if !root.isNull { problems.hidden += root.scalarSpans }
        var kind = root.kind
        if case .scalar = root.content { kind = "text" }
        let found = root.isNull ? "the file is empty" : "expected the sections 'host' and 'components', found \(kind)"
        problems.add("\(found); a configuration has at least 'components: {}'", at: root.span)
        return []
    }

    private mutating func unknown(_ entry: YAMLEntry) {
        if case .scalar = entry.value.content, !SuspectedSecrets.isSuspicious(entry.key) {
            // Its value may be shown.
        } else {
            problems.hidden += entry.value.scalarSpans
        }
        var advice = "the sections are host and components"
        if let near = NearestName.of(entry.key, among: ["host", "components"]) {
            advice = "did you mean '\(near)'?"
        } else if HostKeys.group.member(entry.key) != nil {
            advice = "it belongs in the section 'host'"
        }
        problems.add("unknown section \(quoted(entry.key)); \(advice)", at: entry.keySpan)
    }

    /// Runs `body` with a reader for one section, and takes over what it found.
    private mutating func read<Result>(_ title: String, _ body: (inout OptionReader) -> Result) -> Result {
        var reader = OptionReader(title, in: source, folder: folder, environment: environment)
        swap(&reader.problems, &problems)
        let result = body(&reader)
        swap(&reader.problems, &problems)
        return result
    }

    private mutating func host(_ entry: YAMLEntry?) -> HostSettings {
        var keys: [YAMLEntry] = []
        var listeners: [String: YAMLEntry] = [:]
        var settings = read("host") { reader in
            let entries =
                entry.map { reader.entries(of: $0, name: "host", example: "{data_dir: /var/lib/muster}") } ?? []
            let section = reader.section(entries, as: HostKeys.group)
            var settings = HostSettings.blank
            reader.store(section, by: HostKeys.all, into: &settings)
            if settings.supervision.firstPause > settings.supervision.lastPause {
                let blamed = section.options["supervision.first_pause"] ?? section.options["supervision.last_pause"]
                reader.problems.add(
                    "host.supervision: first_pause must not be longer than last_pause", at: blamed?.entry?.blamedSpan)
            }
            reader.requireTogether("identity.certificate", "identity.private_key", in: section, "host.")
            (keys, listeners) = (entries, section.sections)
            return settings
        }
        for component in BuiltInComponent.allCases {
            guard let key = keys.first(where: { $0.key == component.name }) else { continue }
            settings.builtIns.append(builtIn(component, key, listeners["\(component.name).listen"]))
        }
        return settings
    }

    /// A component of the host's own: its section `host.<name>` is there, and says where it listens, or not even that.
    private mutating func builtIn(
        _ component: BuiltInComponent, _ key: YAMLEntry, _ listen: YAMLEntry?
    ) -> HostSettings.BuiltIn {
        var settings = ComponentSettings(
            name: component.name, location: source.location(key.keySpan.start), isEnabled: true, pluginPath: nil,
            grantedCapabilities: [], listen: listen, bus: nil, config: nil, source: source, span: key.keySpan)
        settings.builtIn = component
        var listener = read("host.\(component.name).listen") {
            ListenerReader(component.listener).listener(listen, &$0)
        }
        // Not for everybody unless the operator says so, and not for many at a time.
        if listener.addresses.map(\.location) == [nil] {
            listener.addresses = [ListenAddress(host: "127.0.0.1", port: component.listener.port)]
        }
        if listen?.value.entry("max_connections") == nil { listener.maxConnections = 128 }
        return HostSettings.BuiltIn(
            component: settings, resolved: ResolvedComponent(options: [:], listeners: [listener]))
    }

    private mutating func components(_ entry: YAMLEntry) -> [ComponentSettings] {
        let entries = read("components") {
            $0.entries(of: entry, name: "components", example: "{UpdateDistributor: {enabled: true}}")
        }
        let components = entries.compactMap { entry -> (ComponentSettings, YAMLEntry)? in
            guard ComponentKeys.isName(entry.key) else {
                problems.add(
                    "\(quoted(entry.key)) cannot name a component: a name begins with a letter and has "
                        + "at most 64 letters, digits, '_' and '-'",
                    at: entry.keySpan)
                return nil
            }
            if BuiltInComponent.allCases.contains(where: { $0.name == entry.key }) {
                problems.add(
                    "\(quoted(entry.key)) is a component of the host's own, which 'host.\(entry.key)' turns on; give "
                        + "this one another name, and its plugin's file in 'plugin'",
                    at: entry.keySpan)
                return nil
            }
            let before = problems.count
            let component = component(entry)
            if problems.count > before { unsound.insert(component.name) }
            return (component, entry)
        }
        return hidingNeighbours(components, in: entry.value)
    }

    /// A file may be one long line, as JSON is: then a component's excerpt shows what belongs to others.
    private func hidingNeighbours(
        _ components: [(settings: ComponentSettings, entry: YAMLEntry)], in section: YAMLNode
    ) -> [ComponentSettings] {
        let lines = components.map(\.entry.lines)
        let isCrowded = zip(lines, lines.dropFirst()).map { $0.upperBound >= $1.lowerBound }
        // One array, shared by all who need it.
        let values = isCrowded.contains(true) ? configurationValues(in: section) : []
        return components.enumerated().map { index, component in
            var settings = component.settings
            let before = index > 0 && isCrowded[index - 1]
            if before || (index < isCrowded.count && isCrowded[index]) { settings.neighbours = values }
            return settings
        }
    }

    private mutating func component(_ entry: YAMLEntry) -> ComponentSettings {
        let title = "components.\(entry.key)"
        let (source, folder) = (source, folder)
        return read(title) { reader in
            let entries = reader.entries(of: entry, name: title, example: "{enabled: true}")
            let section = reader.section(entries, as: ComponentKeys.group)
            var component = ComponentSettings(
                name: entry.key, location: source.location(entry.keySpan.start), isEnabled: true, pluginPath: nil,
                grantedCapabilities: [], listen: section.sections["listen"], bus: section.sections["bus"],
                config: section.sections["config"], source: source, span: entry.keySpan)
            reader.store(section, by: ComponentKeys.all, into: &component)
            if let path = component.pluginPath, path.value.contains("/") {
                component.pluginPath = Located(FilePath.absolute(path.value, in: folder), at: path.location)
            }
            let grants = [("grants", component.grantedCapabilities), ("helpers.grants", component.helperCapabilities)]
            for (key, names) in grants {
                if let entry = section.options[key]?.entry { Self.checkGrants(entry, key, names, &reader) }
            }
            return component
        }
    }

    private static func checkGrants(
        _ entry: YAMLEntry, _ key: String, _ grants: [Located<String>], _ reader: inout OptionReader
    ) {
        guard case .sequence(let items) = entry.value.content else { return }
        var seen: Set<String> = []
        for (item, grant) in zip(items, grants) {
            let name = grant.value
            if !Capability.names.contains(name) {
                let near =
                    NearestName.of(name, among: Capability.names)
                    ?? NearestName.of("CAP_" + name, among: Capability.names)
                let advice = near.map { "; did you mean '\($0)'?" } ?? "; see capabilities(7)"
                reader.problems.add(
                    "\(reader.title).\(key): \(quoted(name)) is not a capability of Linux\(advice)", at: item.span)
            } else if !seen.insert(name).inserted {
                reader.problems.add(
                    "\(reader.title).\(key): \(name) is here twice; remove one of the two", at: item.span)
            }
        }
    }

    /// The places of all values below `config`: without the manifest any of them may be a secret.
    private func configurationValues(in components: YAMLNode) -> [SourceSpan] {
        guard case .mapping(let entries) = components.content else { return [] }
        return entries.flatMap { entry -> [SourceSpan] in
            guard case .mapping(let inside) = entry.value.content else { return [] }
            return inside.filter { $0.key == "config" }.flatMap(\.value.scalarSpans)
        }
    }
}

extension YAMLEntry {
    /// The lines that the key and the scalars of the value are on. The marks of a block's end do not tell: they are at
    /// what follows.
    fileprivate var lines: ClosedRange<Int> {
        let ends = value.allSpans.map { $0.end.column > 1 ? $0.end.line : $0.end.line - 1 }
        return keySpan.start.line...max(keySpan.start.line, ends.max() ?? 0)
    }
}

extension HostSettings {
    /// What the defaults of `HostKeys` are stored into.
    static var blank: HostSettings {
        let supervision = Supervision(
            restartLimit: 0, restartWindow: 0, firstPause: 0, lastPause: 0, stableAfter: 0, stepTimeout: 0, watchdog: 0,
            probation: 0, quiesceTimeout: 0, drainTimeout: 0)
        return HostSettings(
            dataDirectory: Located(""), pluginDirectories: [], isolation: .process, isDebugging: false, logLevel: "",
            logFormat: .text, controlPath: Located(""), user: nil, group: nil, loopCount: 0, supervision: supervision)
    }
}
