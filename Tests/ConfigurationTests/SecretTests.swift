import PluginManifest
import Testing

@testable import Configuration

@Suite struct SecretTests {
    private let manifest = SampleManifests.everything

    private func resolve(_ config: String, in folder: String = "/") throws -> Result<ResolvedComponent, DiagnosticList>
    {
        let text = "components:\n  Everything:\n    config: \(config)\n"
        let settings = try ConfigurationReader.read(
            text: Array(text.utf8), path: folder + "/config.yaml", environment: ["SECRET": "from the environment"]
        ).get()
        let component = try #require(settings.components.first)
        return ConfigurationReader.resolve(
            component, of: settings, manifest: manifest, environment: ["SECRET": "from the environment"])
    }

    private func token(_ content: String, permissions: UInt32 = 0o600) throws -> Result<OptionValue?, DiagnosticList> {
        try TestFiles.withFolder { folder in
            try TestFiles.write(Array(content.utf8), toPath: folder + "/token", permissions: permissions)
            return try resolve("{token: {file: token}}", in: folder).map { $0.options["token"] }
        }
    }

    @Test(arguments: ["hunter2-hunter2", "hunter2-hunter2\n", "hunter2-hunter2\r\n"])
    func secretFileIsReadWithoutItsLastLineBreak(content: String) throws {
        #expect(try token(content).get() == .string("hunter2-hunter2"))
    }

    @Test func secretFileIsNotSearchedForVariables() throws {
        #expect(try token("${SECRET}\n\n").get() == .string("${SECRET}\n"))
    }

    @Test func secretMayComeFromTheEnvironment() throws {
        let resolved = try resolve("{token: \"${SECRET}\"}").get()
        #expect(resolved.options["token"] == .string("from the environment"))
    }

    @Test func secretFileThatOthersMayReadIsRefused() throws {
        for permissions: UInt32 in [0o604, 0o602, 0o644, 0o601] {
            let list = #expect(throws: DiagnosticList.self) {
                try token("hunter2-hunter2", permissions: permissions).get()
            }
            #expect(list?.render().contains("chmod o=") == true)
            #expect(list?.render().contains("hunter2") == false)
        }
        #expect(try token("hunter2-hunter2", permissions: 0o640).get() == .string("hunter2-hunter2"))
    }

    @Test(arguments: ["", "\n", String(repeating: "x", count: 65_537), "a\0bcdefgh", "short"])
    func wrongSecretFileIsRefusedWithoutShowingIt(content: String) throws {
        let list = #expect(throws: DiagnosticList.self) { try token(content).get() }
        #expect(list?.diagnostics.count == 1)
        #expect(list?.render().contains("short") == false)
    }

    @Test func secretOfAnotherTypeComesFromItsFile() throws {
        try TestFiles.withFolder { folder in
            try TestFiles.write(Array("4711\n".utf8), toPath: folder + "/pin", permissions: 0o600)
            try TestFiles.write(Array("hunter2\n".utf8), toPath: folder + "/word", permissions: 0o600)
            #expect(try resolve("{admin: {pin: {file: pin}}}", in: folder).get().options["admin.pin"] == .integer(4711))
            let wrong = try resolve("{admin: {pin: {file: word}}}", in: folder)
            let list = #expect(throws: DiagnosticList.self) { try wrong.get() }
            #expect(list?.render().contains("hunter2") == false)
        }
    }

    @Test func pipeInPlaceOfASecretIsRefusedAtOnce() throws {
        let list = #expect(throws: DiagnosticList.self) { try resolve("{token: {file: /dev/zero}}").get() }
        #expect(list?.render().contains("is not a regular file") == true)
    }

    /// Every way to be wrong that has the secret in the blamed line.
    @Test(arguments: [
        "{token: hunter2}", "{token: hunter2-hunter2, wokers: 4}", "{token: [hunter2]}", "{token: {hunter2: x}, x: 1}",
        "{token: {file: hunter2, b: hunter2}}", "{admin: {pin: hunter2}}", "{admin: {pin: \"hunter2\"}}",
        "{token: \"hunter2 ${UNSET}\"}", "{pin: hunter2}", "{admin: hunter2}", "{tokne: hunter2}",
        "{unheard_of: hunter2}",
        "{workers: 99, token: 'hunter2-long', ratio: 7}", "{token: !hunter2 x}", "{token: *hunter2}",
        "{token: hunter2-long\n      hunter2-more, wokers: 4}", "{upstream: \"https://me:hunter2@example.com/\"}",
        "{token: \"hunter2\\q\"}", "{token: \"hunter2}", "{token: hunter2: x}", "{token: @hunter2}",
        "{token hunter2, {}",
    ])
    func secretIsNeverShown(config: String) throws {
        let text = "components:\n  Everything:\n    config: \(config)\n"
        let shown: String
        switch ConfigurationReader.read(text: Array(text.utf8), path: "/c.yaml", environment: [:]) {
        case .failure(let list): shown = list.render()
        case .success(let settings):
            let component = try #require(settings.components.first)
            let result = ConfigurationReader.resolve(component, of: settings, manifest: manifest, environment: [:])
            let list = #expect(throws: DiagnosticList.self) { try result.get() }
            shown = list?.render() ?? ""
        }
        #expect(shown.contains("error: "))
        #expect(!shown.contains("hunter2"), "\(shown)")
    }

    @Test(
        arguments: OptionType.allCases,
        [
            "hunter2 hunter2", "https://hunter2..x/", "hunter2:hunter2:1", "1hunter2", "hunter2://x", "[hunter2]",
            "[[hunter2]]",
        ])
    func wrongSecretOfAnyTypeIsNeverShown(type: OptionType, text: String) throws {
        var manifest = manifest
        manifest.options = [
            OptionDeclaration(
                name: "word", type: type, itemType: type == .list ? .duration : nil, isSecret: true, minimum: nil,
                maximum: [.string, .path, .url, .address].contains(type) ? "1" : nil, help: "One.", choices: ["hunter"])
        ]
        let yaml = "components:\n  Everything:\n    config: {word: \(text)}\n"
        let settings = try ConfigurationReader.read(text: Array(yaml.utf8), path: "/c.yaml", environment: [:]).get()
        let component = try #require(settings.components.first)
        let result = ConfigurationReader.resolve(component, of: settings, manifest: manifest, environment: [:])
        let list = #expect(throws: DiagnosticList.self) { try result.get() }
        #expect(list?.render().contains("hunter2") == false, "\(list?.render() ?? "")")
    }

    @Test func secretOfAnotherComponentOnTheSameLineIsNotShown() throws {
        let text = "{components: {A: {config: {password: hunter2, word: hunter2}}, B: {config: {wokers: 1}}}}"
        let settings = try ConfigurationReader.read(text: Array(text.utf8), path: "/c.yaml", environment: [:]).get()
        let component = try #require(settings.components.last)
        let result = ConfigurationReader.resolve(component, of: settings, manifest: manifest, environment: [:])
        let list = #expect(throws: DiagnosticList.self) { try result.get() }
        #expect(list?.render().contains("hunter2") == false)
    }

    @Test func conflictOnOneLineShowsNoSecret() throws {
        let text =
            "{components: {A: {config: {word: hunter2}, listen: {files: 5}}, B: {config: {word: hunter2}, listen: {files: 5}}}}"
        let settings = try ConfigurationReader.read(text: Array(text.utf8), path: "/c.yaml", environment: [:]).get()
        let listener = ResolvedListener(
            name: "files", transport: .http, addresses: [ListenAddress(host: "::", port: 5)], maxConnections: 1)
        let found = ConfigurationReader.conflicts(
            settings.components.map { ($0, ResolvedComponent(listeners: [listener])) })
        #expect(found.count == 1)
        #expect(found.first?.notes.count == 1)
        #expect(found.first.map(\.description)?.contains("hunter2") == false)
        let later = settings.components.map {
            ConfigurationReader.diagnostic("no", blaming: "token", in: $0, manifest: manifest).description
        }
        #expect(later.allSatisfy { !$0.contains("hunter2") })
    }

    @Test func laterBlameShowsTheLineButNoSecret() throws {
        let text = "components:\n  Everything:\n    config:\n      token: hunter2-hunter2\n      workers: 5\n"
        let settings = try ConfigurationReader.read(text: Array(text.utf8), path: "/c.yaml", environment: [:]).get()
        let component = try #require(settings.components.first)
        func blame(_ option: String?) -> String {
            ConfigurationReader.diagnostic("no good", blaming: option, in: component, manifest: manifest).render()
        }
        #expect(blame("workers") == "/c.yaml:5:16: error: no good\n    5 |       workers: 5\n      |                ^")
        #expect(blame("token").hasPrefix("/c.yaml:4:14: error: no good\n    4 |       token: *****\n"))
        #expect(blame("ratio").hasPrefix("/c.yaml:2:3: error: no good\n    2 |   Everything:\n"))
        #expect(blame(nil).hasPrefix("/c.yaml:2:3:"))
        #expect(ConfigurationReader.location(ofOption: "workers", in: component)?.line == 5)
        #expect(ConfigurationReader.location(ofOption: "cache.size", in: component) == nil)
        #expect(ConfigurationReader.location(ofOption: "", in: component) == nil)
    }
}
