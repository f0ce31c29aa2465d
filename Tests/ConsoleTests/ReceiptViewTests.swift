import ControlProtocol
import Testing

@testable import Console

@Suite struct ReceiptViewTests {
    @Test func aCommittedReloadNamesEveryComponent() {
        let receipt = ReloadReceipt.sample(
            .committed,
            components: [
                .init(name: "UpdateDistributor", outcome: .restarted, reason: "option root changed"),
                .init(name: "HelloC", outcome: .unchanged),
            ], draining: 3)
        #expect(
            ReceiptView(receipt).render(on: .wide(80)) == """
                Committed in 340 ms: generation 4 serves.
                asked for by SIGHUP at 2026-11-22 21:56:05 UTC

                COMPONENT          OUTCOME    WHY
                UpdateDistributor  restarted  option root changed
                HelloC             unchanged

                3 connections of older generations were open.
                """)
    }

    @Test func aRefusedReloadShowsTheDiagnosticsAsTheyAre() {
        let diagnostic = """
            config.yaml:12:5: error: unknown key 'enabeld'
               12 |     enabeld: true
                  |     ^~~~~~~
            """
        let text = ReceiptView(.sample(.refused, diagnostics: [diagnostic])).render(on: .wide(80))
        #expect(text.hasPrefix("Refused after 340 ms: nothing was changed, and what ran goes on.\n"))
        #expect(text.hasSuffix("\n\n" + diagnostic))
    }

    @Test(arguments: [
        (ReloadReceipt.Result.committed, true), (.unchanged, true), (.refused, false), (.rolledBack, false),
    ])
    func onlyWhatRunsNowIsASuccess(result: ReloadReceipt.Result, isSuccess: Bool) {
        #expect(ReceiptView(.sample(result)).isSuccess == isSuccess)
    }

    @Test func aDiagnosticCannotSteerTheTerminal() {
        let text = ReceiptView(.sample(.refused, diagnostics: ["a\u{1B}]0;title\u{07}b\n  c"])).render(on: .wide(80))
        #expect(text.hasSuffix("a\u{FFFD}]0;title\u{FFFD}b\n  c"))
    }
}

@Suite struct CheckViewTests {
    @Test func aValidConfigurationNamesWhatCanRun() {
        let view = CheckView(
            path: "config.yaml", isValid: true, diagnostics: [], components: [("A", nil), ("B", nil), ("C", nil)])
        #expect(view.render(on: .plain) == "config.yaml is in order: A, B and C can run.")
        let empty = CheckView(path: "config.yaml", isValid: true, diagnostics: [], components: [])
        #expect(empty.render(on: .plain) == "config.yaml is in order: no component is enabled.")
    }

    @Test func everyProblemIsSaidOnce() {
        let view = CheckView(
            path: "config.yaml", isValid: false, diagnostics: ["config.yaml:3:5: error: root is missing"],
            components: [("A", "root is missing"), ("B", "it crashed while loading")])
        #expect(
            view.render(on: .plain) == """
                config.yaml:3:5: error: root is missing
                B: it crashed while loading
                config.yaml cannot be used as it is; nothing was changed.
                """)
    }
}
