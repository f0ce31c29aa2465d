/// Reads `config.yaml` in two steps: `read` without plugins, then `resolve` for each component once its plugin's
/// manifest is known. Both answer with everything that is wrong, not with the first of it.
///
/// Nothing here keeps state: every function may be called from any thread.
public enum ConfigurationReader {
    /// Reads the file at `path`. Variables of the form `${NAME}` come from `environment`.
    public static func read(path: String, environment: [String: String]) -> Result<Settings, DiagnosticList> {
        do throws(FileProblem) {
            let file = try FileAccess.read(path, limit: YAMLLimits.bytes)
            return read(text: file.bytes, path: path, environment: environment)
        } catch {
            let message = "the configuration file \(quoted(path)) \(error.reason)"
            return .failure(DiagnosticList(diagnostics: [Diagnostic(message)]))
        }
    }

    /// Reads `text` as if it were the file at `path`, which need not exist.
    public static func read(
        text: [UInt8], path: String, environment: [String: String]
    ) -> Result<Settings, DiagnosticList> {
        let source = SourceText(path: path, bytes: text)
        var problems = Problems(in: source)
        guard let root = YAMLComposer.compose(source, problems: &problems) else {
            return .failure(problems.list() ?? DiagnosticList(diagnostics: []))
        }
        var document = DocumentReader(source, environment: environment, problems: problems)
        let settings = document.settings(root)
        if let list = document.problems.list() { return .failure(list) }
        return .success(settings)
    }

    /// What can be judged further of a file that `read` refuses: the section `host` as far as it is right, and the
    /// components whose own entry is. nil where the file is not YAML, or cannot be read.
    public static func soundPart(path: String, environment: [String: String]) -> Settings? {
        guard let file = try? FileAccess.read(path, limit: YAMLLimits.bytes) else { return nil }
        let source = SourceText(path: path, bytes: file.bytes)
        var problems = Problems(in: source)
        guard let root = YAMLComposer.compose(source, problems: &problems) else { return nil }
        var document = DocumentReader(source, environment: environment, problems: problems)
        var settings = document.settings(root)
        settings.components.removeAll { document.unsound.contains($0.name) }
        return settings
    }
}
