public import PluginManifest

extension ConfigurationReader {
    /// Checks `listen` and `config` of a component against its plugin's manifest, reads secrets from their files, and
    /// fills the defaults in. The files are read at each call and not kept.
    public static func resolve(
        _ component: ComponentSettings, of settings: Settings, manifest: Manifest, environment: [String: String]
    ) -> Result<ResolvedComponent, DiagnosticList> {
        var resolver = ComponentResolver(component, of: settings, manifest: manifest, environment: environment)
        let resolved = resolver.resolve()
        if let list = resolver.problems.list() { return .failure(list) }
        return .success(resolved)
    }

    /// The place of an option's value, by its dotted name; nil where the file does not give it.
    public static func location(ofOption name: String, in component: ComponentSettings) -> SourceLocation? {
        component.entry(ofOption: name).map { component.source.location($0.blamedSpan.start) }
    }

    /// A diagnostic for something that was found out later, such as by the plugin: at the option's value, or at the
    /// component's name where the file does not give the option. The value is shown only if `manifest` knows the option
    /// and it is not a secret.
    public static func diagnostic(
        _ message: String, blaming option: String? = nil, in component: ComponentSettings, manifest: Manifest? = nil
    ) -> Diagnostic {
        let shown = manifest?.options.filter { !$0.isSecret }.map(\.name) ?? []
        let entry = option.flatMap { component.entry(ofOption: $0) }
        let hidden = component.hiddenSpans(besides: shown)
        return component.source.diagnostic(message, at: entry?.blamedSpan ?? component.span, hiding: hidden)
    }
}

extension ConfigurationReader {
    /// A diagnostic for what a value of the file names, such as a file that cannot be used. `location` nil: the value is
    /// a default, and no place is to blame. Values of `config` on the same line are not shown.
    public static func diagnostic(
        _ message: String, at location: SourceLocation?, in component: ComponentSettings
    ) -> Diagnostic {
        guard let location else { return Diagnostic(message) }
        let start = SourcePosition(line: location.line, column: location.column)
        let span = SourceSpan(start, SourcePosition(line: start.line, column: start.column + 1))
        return component.source.diagnostic(message, at: span, hiding: component.hiddenSpans(besides: []))
    }
}

extension ComponentSettings {
    /// The entry of `config` for a dotted name.
    func entry(ofOption name: String) -> YAMLEntry? {
        var entry = config
        for part in name.split(separator: ".", omittingEmptySubsequences: false) { entry = entry?.value.entry(part) }
        return entry
    }

    /// The places of all values of `config` that do not belong to one of the options `shown`.
    func hiddenSpans(besides shown: [String]) -> [SourceSpan] {
        let visible = Set(shown.flatMap { entry(ofOption: $0)?.value.scalarSpans ?? [] })
        return ((config?.value.scalarSpans ?? []) + neighbours).filter { !visible.contains($0) }
    }
}
