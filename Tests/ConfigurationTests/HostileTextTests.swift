import PluginManifest
import Testing

@testable import Configuration

/// Texts that were made to hurt: each is answered with a sentence, soon, and without a crash.
@Suite struct HostileTextTests {
    private func problems(_ text: String) -> String { problems(Array(text.utf8)) }

    private func problems(_ bytes: [UInt8]) -> String {
        switch ConfigurationReader.read(text: bytes, path: "/c.yaml", environment: [:]) {
        case .success: "none"
        case .failure(let list): list.render()
        }
    }

    @Test(arguments: ["[", "{", "- ", "? ", "a: {", "&a [", "!x ["])
    func deepNestingIsRefused(opening: String) {
        let text = String(repeating: opening, count: (1 << 16) / opening.count)
        #expect(problems("components: " + text).contains("error: "))
        #expect(problems(text).contains("error: "))
    }

    @Test func depthIsCountedThroughAliases() {
        // Each anchor wraps the one before it: 63 levels by name, in a text that is nested three deep.
        var text = "host:\n  a0: &a0 [x]\n"
        for level in 1...70 { text += "  a\(level): &a\(level) [*a\(level - 1)]\n" }
        #expect(problems(text).contains("nested deeper than 64 levels"))
    }

    @Test func aliasesThatMultiplyAreRefused() {
        var text = "host:\n  a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let item = "*a\(level - 1)"
            text += "  a\(level): &a\(level) [\(Array(repeating: item, count: 10).joined(separator: ", "))]\n"
        }
        #expect(problems(text).contains("more than 100000 values, aliases counted"))
    }

    @Test func aliasesOfLongTextAreRefused() {
        let long = String(repeating: "x", count: 100_000)
        let text = "host:\n  a: &a \(long)\n  b: [\(Array(repeating: "*a", count: 100).joined(separator: ", "))]\n"
        #expect(problems(text).contains("bytes of text, aliases counted"))
    }

    @Test func tooManyValuesAreRefused() {
        let text = "host:\n  plugin_dirs: [" + String(repeating: "a,", count: 200_000) + "]\n"
        #expect(problems(text).contains("more than 100000 values"))
    }

    @Test func largeFileIsRefusedByItsSize() {
        let text = "components: {}\n" + String(repeating: "#", count: 1 << 20)
        #expect(problems(text).contains("a configuration may have 1048576"))
    }

    @Test func hugeScalarIsCutInMessageAndExcerpt() {
        let text = "host:\n  loops: " + String(repeating: "9", count: 900_000) + "\ncomponents: {}\n"
        let found = problems(text)
        #expect(found.contains("expected a whole number"))
        #expect(found.count < 1_000)
    }

    @Test func hugeKeyIsCutInMessageAndExcerpt() {
        // YAML allows keys of 1024 characters.
        let text = "host:\n  \(String(repeating: "k", count: 1_000)): 1\ncomponents: {}\n"
        #expect(problems(text).contains("unknown key 'kkkk"))
        #expect(problems(text).count < 1_000)
    }

    @Test func manyMistakesAreCountedNotListed() {
        var text = "components: {}\nhost:\n"
        for number in 0..<5_000 { text += "  wrong\(number): 1\n" }
        let found = problems(text)
        #expect(found.contains("… and 4900 more errors"))
        #expect(found.split(separator: "\n").count == 301)
    }

    @Test(
        arguments: [
            [0xC3], [0xE2, 0x82], [0xF0, 0x9F, 0x98], [0x80], [0xC0, 0x80], [0xED, 0xA0, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xFF],
        ] as [[UInt8]])
    func brokenUTF8IsToldByItsPlace(bytes: [UInt8]) {
        let found = problems(Array("components: {}\nhost: {user: ä".utf8) + bytes + Array("}\n".utf8))
        #expect(found.hasPrefix("/c.yaml:2:15: error: the byte 0x"), "\(found)")
        #expect(problems(bytes).contains("/c.yaml:1:1: error:"))
    }

    @Test(arguments: [0x00, 0x01, 0x07, 0x08, 0x1B, 0x7F] as [UInt8])
    func controlCharacterIsRefusedAndNotPrinted(byte: UInt8) {
        let found = problems(Array("components: {}\nhost: {user: ".utf8) + [byte] + Array("}\n".utf8))
        #expect(found.hasPrefix("/c.yaml:2:14: error: "), "\(found)")
        #expect(!found.utf8.contains(byte))
    }

    @Test func byteOrderMarkIsAllowed() {
        #expect(problems([0xEF, 0xBB, 0xBF] + Array("components: {}\n".utf8)) == "none")
        let found = problems([0xEF, 0xBB, 0xBF] + Array("x: 1\ncomponents: {}\n".utf8))
        #expect(found.hasPrefix("/c.yaml:1:1: error: unknown section 'x'"), "\(found)")
    }

    @Test func everyPrefixOfAConfigurationIsAnswered() {
        let text = Array(
            "host: {log: {level: \"info\"}, user: &u 'a\u{FC}'}\ncomponents:\n  A: !t\n    config: |\n     ${X\n    listen: [*u, ]\n"
                .utf8)
        for count in 0...text.count { _ = problems(Array(text.prefix(count))) }
    }

    @Test func mutatedConfigurationsAreAnswered() {
        let seed = Array(
            "host:\n  log: {level: info}\n  loops: 4\ncomponents:\n  Everything:\n    listen: {files: \"*:80\"}\n    config: {workers: 3}\n"
                .utf8)
        var generator = SplitMix(state: 42)
        for _ in 0..<3_000 {
            var text = seed
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let index = Int.random(in: 0..<text.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: text[index] = "{}[]:,&*!|>'\"%@`-? \n\t#$0a\u{7F}".utf8.randomElement(using: &generator) ?? 0
                case 1: text.remove(at: index)
                default: text.insert(text[Int.random(in: 0..<text.count, using: &generator)], at: index)
                }
            }
            guard case .success(let settings) = ConfigurationReader.read(text: text, path: "/c.yaml", environment: [:])
            else { continue }
            for component in settings.components {
                _ = ConfigurationReader.resolve(
                    component, of: settings, manifest: SampleManifests.everything, environment: [:])
            }
        }
    }

    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }
}
