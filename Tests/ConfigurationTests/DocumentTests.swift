import PluginManifest
import Testing

@testable import Configuration

/// The tables that reader, schema and manual share, and what is made from them.
@Suite struct DocumentTests {
    private static let manifests = SampleManifests.all.filter { $0.key != "Faulty" }.sorted { $0.key < $1.key }
        .map { (component: $0.key, manifest: $0.value) }

    @Test func everyDefaultOfTheHostsKeysCanBeRead() throws {
        let declarations =
            HostKeys.all.map(\.declaration) + ComponentKeys.all.map(\.declaration) + ListenerKeys.all.map(\.declaration)
        for declaration in declarations {
            let value = try DefaultValue.of(declaration, folder: "/")
            #expect((value == nil) == (declaration.defaultValue == nil), "\(declaration.name)")
            #expect(declaration.help.hasSuffix("."), "\(declaration.name)")
        }
    }

    @Test func everyKeyOfTheHostHasAPlaceInTheSettings() throws {
        // A value unlike its default for each key must change the settings.
        let examples: [OptionType: String] = [
            .bool: "true", .integer: "7", .string: "x", .duration: "61s", .path: "/x", .list: "[/x, /y]",
        ]
        func text(_ yaml: String) throws -> String {
            let settings = try ConfigurationReader.read(text: Array(yaml.utf8), path: "/c.yaml", environment: [:]).get()
            return SettingsText.of(settings, [])
        }
        let standard = try text("components: {}\n")
        for key in HostKeys.all {
            let declaration = key.declaration
            var value = try #require(declaration.choices.last ?? examples[declaration.type])
            if declaration.name == "supervision.first_pause" { value = "2s" }
            if declaration.name == "supervision.quiesce_timeout" { value = "3s" }
            if declaration.name == "supervision.stable_after" { value = "62s" }
            var nested = declaration.name.split(separator: ".").reversed().reduce(value) { "{\($1): \($0)}" }
            // The two of a pair are given together.
            if ["identity.certificate", "identity.private_key"].contains(declaration.name) {
                nested = "{identity: {certificate: /x, private_key: /x}}"
            }
            #expect(try text("components: {}\nhost: \(nested)\n") != standard, "\(declaration.name)")
        }
    }

    @Test func documentsAreTheSameEachTimeAndAsKept() throws {
        let documents = [
            ("schema.json", ConfigurationSchema.json(manifests: Self.manifests)),
            ("manual.md", ConfigurationManual.markdown(manifests: Self.manifests)),
        ]
        for (name, text) in documents {
            if TestFiles.isRecording { try TestFiles.write(text, to: "Golden/\(name)") }
            #expect(text == String(decoding: try TestFiles.read("Golden/\(name)"), as: UTF8.self), "\(name)")
        }
        #expect(ConfigurationSchema.json(manifests: Self.manifests) == documents[0].1)
    }

    @Test func manualNamesEveryKeyAndOption() {
        let manual = ConfigurationManual.markdown(manifests: Self.manifests)
        let names =
            HostKeys.all.map(\.declaration.name) + ComponentKeys.all.map(\.declaration.name)
            + ListenerKeys.all.map(\.declaration.name) + SampleManifests.everything.options.map(\.name)
        for name in names { #expect(manual.contains("| `\(name)` |"), "\(name)") }
    }

    @Test func examplesOfTheManualAreRightConfigurations() throws {
        for (component, manifest) in Self.manifests {
            let chapter = ComponentChapter(component: component, manifest: manifest).markdown
            let parts = chapter.split(separator: "```", omittingEmptySubsequences: false)
            let yaml = String(try #require(parts.dropFirst().first).dropFirst(5))
            let settings = try ConfigurationReader.read(text: Array(yaml.utf8), path: "/c.yaml", environment: [:]).get()
            let entry = try #require(settings.components.first)
            let result = ConfigurationReader.resolve(entry, of: settings, manifest: manifest, environment: [:])
            #expect(throws: Never.self, "\(yaml)") { try result.get() }
        }
    }

    @Test func hostileManifestBreaksNeitherSchemaNorManual() {
        let nasty = "a|b\n\"\\\u{1B}```\u{7F}"
        let manifest = Manifest(
            id: nasty, name: nasty, version: nasty, summary: nasty, vendor: nasty, licence: nasty, url: nasty,
            abi: ABIVersion(major: 1, minor: 0),
            listeners: [ListenerDeclaration(name: nasty, transport: .https, port: 1, help: nasty)],
            options: [
                OptionDeclaration(
                    name: "", type: .enum, isRequired: true, defaultValue: nasty, minimum: nasty, maximum: nasty,
                    unit: nasty, help: nasty),
                OptionDeclaration(name: String(repeating: "a.", count: 10_000), type: .list, help: nasty),
            ], requiredCapabilities: [nasty])
        let schema = ConfigurationSchema.json(manifests: [(nasty, manifest)])
        #expect(!schema.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" })
        _ = ConfigurationManual.markdown(manifests: [(nasty, manifest)])
    }

    @Test(
        arguments: [
            ("components: {}", "/run/muster/control.sock"), ("host: {control: my.sock}", "FOLDER/my.sock"),
            ("host: {control: \"/x/${WHO}.sock\", loops: wrong}\nnonsense: 1", "/x/me.sock"),
            ("host: {control: [a]}", nil),
            ("host: [", nil), ("host: {control: /${UNSET}}", nil), ("", "/run/muster/control.sock"),
        ] as [(String, String?)])
    func controlPathIsFoundWhateverElseIsWrong(text: String, expected: String?) throws {
        try TestFiles.withFolder { folder in
            try TestFiles.write(Array(text.utf8), toPath: folder + "/c.yaml", permissions: 0o600)
            let found = ConfigurationReader.controlPath(path: folder + "/c.yaml", environment: ["WHO": "me"])
            #expect(found == (expected == "FOLDER/my.sock" ? folder + "/my.sock" : expected))
        }
        #expect(ConfigurationReader.controlPath(path: "/nonexistent/c.yaml", environment: [:]) == nil)
    }

    @Test func missingAndUnreadableFilesAreNamed() {
        func problem(_ path: String) -> String {
            guard case .failure(let list) = ConfigurationReader.read(path: path, environment: [:]) else { return "" }
            return list.render()
        }
        #expect(
            problem("/nonexistent/config.yaml").contains("'/nonexistent/config.yaml' cannot be opened: No such file"))
        #expect(problem("/tmp").contains("'/tmp' is a folder, not a file"))
        #expect(problem("/dev/zero").contains("is not a regular file"))
    }

    @Test(arguments: [
        ("a/b", "/x", "/x/a/b"), ("/a//b/./c", "/x", "/a/b/c"), ("../a", "/x/y", "/x/y/../a"), (".", "/x", "/x"),
        ("/", "/x", "/"),
    ])
    func relativePathsBeginInTheFolder(path: String, folder: String, absolute: String) {
        #expect(FilePath.absolute(path, in: folder) == absolute)
    }
}
