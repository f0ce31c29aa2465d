import Testing

@testable import Configuration

/// A running host is found by its configuration, even while that holds mistakes.
@Suite struct ControlPathTests {
    private func path(_ text: String, environment: [String: String] = [:]) -> String? {
        ConfigurationReader.controlPath(
            text: Array(text.utf8), path: "/etc/muster/config.yaml", environment: environment)
    }

    @Test func theDefaultHoldsWhereNothingIsSaid() {
        #expect(path("components: {}") == "/run/muster/control.sock")
        #expect(path("") == "/run/muster/control.sock")
    }

    @Test func aRelativePathBeginsAtTheFile() {
        #expect(path("host: {control: run/sock}\ncomponents: {}") == "/etc/muster/run/sock")
    }

    @Test func aVariableIsFilledIn() {
        #expect(path("host: {control: \"/${NAME}/sock\"}\ncomponents: {}", environment: ["NAME": "x"]) == "/x/sock")
    }

    @Test func aWrongKeyElsewhereDoesNotHideIt() {
        #expect(path("host:\n  control: /a/sock\n  colour: red\ncomponents:\n  A: {enabeld: 1}\n") == "/a/sock")
    }

    @Test func textThatIsNoYAMLAfterTheHostDoesNotHideIt() {
        #expect(path("host:\n  control: /a/sock\ncomponents:\n  A: [\n") == "/a/sock")
        #expect(path("host:\n  control: /a/sock\ncomponents:\n  A:\n\tb: 1\nmore: {\n") == "/a/sock")
    }

    @Test func aMistakeBeforeTheHostHidesItRatherThanNamingAnother() {
        #expect(path("components:\n  A: [\nhost:\n  control: /a/sock\n") == nil)
        #expect(path("host: {control: [\n") == nil)
    }

    @Test func manySectionsAreTriedABoundedNumberOfTimes() {
        let text = "host: {control: /a/sock}\n" + (0..<100_000).map { "key\($0): [\n" }.joined()
        #expect(path(text) == nil)
    }

    @Test func aFileThatCannotBeReadHasNone() {
        #expect(ConfigurationReader.controlPath(path: "/no/such/file", environment: [:]) == nil)
    }
}
