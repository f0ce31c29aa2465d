import Configuration

/// The configuration a host starts with: the file's, or the last good one.
struct StartConfiguration {
    /// Where reloads read from, absolute.
    var path: String
    var settings: Settings
    /// The plugins of the last good configuration.
    var pinned: [String: PluginPlan] = [:]

    static func read(_ options: RunOptions, environment: [String: String]) throws(Refusal) -> StartConfiguration {
        let result = ConfigurationReader.read(path: options.configurationPath, environment: environment)
        guard options.useLastGood else {
            if case .failure(let list) = result {
                let problems = list.texts + FurtherProblems.found(options, environment: environment)
                throw Refusal(reason: problems.joined(separator: "\n"), isConfiguration: true)
            }
            return StartConfiguration(
                path: Files.absolute(options.configurationPath), settings: try success(of: result))
        }
        return try readLastGood(options, result, environment: environment)
    }

    private static func readLastGood(
        _ options: RunOptions, _ file: Result<Settings, DiagnosticList>, environment: [String: String]
    ) throws(Refusal) -> StartConfiguration {
        let directory = dataDirectory(options.configurationPath, file, environment)
        let facts: LastGood
        let text: [UInt8]
        do throws(SystemError) {
            (facts, text) = try LastGood.read(from: DataDirectory(path: directory))
        } catch {
            throw Refusal(reason: "there is no last good configuration in \(directory): \(error)")
        }
        let result = ConfigurationReader.read(text: text, path: facts.configurationPath, environment: environment)
        return StartConfiguration(
            path: Files.absolute(options.configurationPath), settings: try success(of: result), pinned: facts.pinned)
    }

    /// Where the last good configuration is kept: what the file says, even if it is broken elsewhere, which is what
    /// `--last-good` is for.
    private static func dataDirectory(
        _ path: String, _ file: Result<Settings, DiagnosticList>, _ environment: [String: String]
    ) -> String {
        if case .success(let settings) = file { return settings.host.dataDirectory.value }
        let lines = ((try? Files.read(path, limit: 1 << 20)) ?? []).split(separator: UInt8(ascii: "\n"))
        let entry = lines.lazy.map { String(decoding: $0.drop { $0 == UInt8(ascii: " ") }, as: UTF8.self) }
            .first { $0.hasPrefix("data_dir:") }
        let excerpt = "host:\n  \(entry ?? "debug: false")\ncomponents: {}\n"
        let result = ConfigurationReader.read(text: [UInt8](excerpt.utf8), path: path, environment: environment)
        return (try? result.get())?.host.dataDirectory.value ?? "/var/lib/muster"
    }

    private static func success(of result: Result<Settings, DiagnosticList>) throws(Refusal) -> Settings {
        switch result {
        case .success(let settings): return settings
        case .failure(let list): throw Refusal(reason: list.texts.joined(separator: "\n"), isConfiguration: true)
        }
    }
}
