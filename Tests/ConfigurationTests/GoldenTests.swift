import Glibc
import PluginManifest
import Testing

@testable import Configuration

/// `Golden/*.yaml` are configurations; beside each, `*.expected` is what an operator reads about it. A new case is two
/// text files: write the first, run the tests with MUSTER_RECORD=1, and read the second.
@Suite struct GoldenTests {
    /// What the configurations may refer to as `${NAME}`.
    static let environment = ["PORT": "8080", "NOTHING": "", "HOST": "127.0.0.1", "WORD": "not a number"]

    @Test(arguments: TestFiles.names(in: "Golden", endingWith: ".yaml"))
    func configurationIsJudgedAsExpected(name: String) throws {
        let text = try TestFiles.read("Golden/\(name)")
        let found = Self.judge(text)
        let expectedName = "Golden/\(name.dropLast(5)).expected"
        if TestFiles.isRecording { try TestFiles.write(found, to: expectedName) }
        let expected = String(decoding: try TestFiles.read(expectedName), as: UTF8.self)
        #expect(found == expected, "\(name) is judged otherwise; if that is better, run with MUSTER_RECORD=1")
    }

    @Test(.disabled(if: TestFiles.isRecording)) func everyExpectedFileHasItsConfiguration() {
        let configurations = TestFiles.names(in: "Golden", endingWith: ".yaml").map { $0.dropLast(5) }
        let expected = TestFiles.names(in: "Golden", endingWith: ".expected").map { $0.dropLast(9) }
        #expect(expected.sorted() == configurations.sorted())
    }

    @Test(.disabled(if: TestFiles.isRecording)) func enoughWrongConfigurationsAreJudged() throws {
        let wrong = try TestFiles.names(in: "Golden", endingWith: ".expected").filter {
            String(decoding: try TestFiles.read("Golden/\($0)"), as: UTF8.self).contains("error: ")
        }
        #expect(wrong.count >= 60)
    }

    /// What `muster check` would find, or the settings as they were understood.
    private static func judge(_ text: [UInt8]) -> String {
        switch ConfigurationReader.read(text: text, path: "/etc/muster/config.yaml", environment: environment) {
        case .failure(let list): return list.render() + "\n"
        case .success(let settings): return judge(settings)
        }
    }

    private static func judge(_ settings: Settings) -> String {
        var problems: [Diagnostic] = []
        var resolved: [(ComponentSettings, ResolvedComponent)] = []
        for component in settings.components where component.isEnabled {
            guard let manifest = SampleManifests.all[component.name] else {
                problems.append(Diagnostic("the test knows no plugin for \(component.name)", at: component.location))
                continue
            }
            switch ConfigurationReader.resolve(component, of: settings, manifest: manifest, environment: environment) {
            case .failure(let list): problems += list.diagnostics
            case .success(let result): resolved.append((component, result))
            }
        }
        let own = settings.host.builtIns.map { ($0.component, $0.resolved) }
        problems += ConfigurationReader.conflicts(resolved + own)
        if problems.isEmpty { return SettingsText.of(settings, resolved) }
        return DiagnosticList(diagnostics: problems).render() + "\n"
    }
}
