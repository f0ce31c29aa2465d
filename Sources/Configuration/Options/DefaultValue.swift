internal import PluginManifest

/// The default of an option, which its declaration gives as YAML.
enum DefaultValue {
    /// nil: there is none. Throws a sentence where the declaration's default or bounds are wrong themselves.
    static func of(_ declaration: OptionDeclaration, folder: String) throws(ScalarProblem) -> OptionValue? {
        _ = try OptionBounds(declaration)
        guard let text = declaration.defaultValue else { return nil }
        let source = SourceText(path: "default", bytes: Array(text.utf8))
        var reader = OptionReader("default", in: source, folder: folder, environment: nil)
        let name = "its default \(quoted(text))"
        if let node = YAMLComposer.compose(source, problems: &reader.problems) {
            let entry = YAMLEntry(key: name, keySpan: .beginning, value: node)
            if let value = reader.value(of: entry, as: declaration, name: name), reader.problems.isEmpty {
                return value
            }
        }
        throw ScalarProblem(reader.problems.list()?.diagnostics.first?.message)
    }
}
