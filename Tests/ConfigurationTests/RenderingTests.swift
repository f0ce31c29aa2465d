import Testing

@testable import Configuration

@Suite struct RenderingTests {
    private let place = SourceLocation(file: "c.yaml", line: 12, column: 5)

    @Test func caretAndTildesStandUnderTheBlamedText() {
        let diagnostic = Diagnostic("no", at: place, line: "    enabeld: true", length: 7)
        #expect(diagnostic.description == "c.yaml:12:5: error: no\n   12 |     enabeld: true\n      |     ^~~~~~~")
    }

    @Test func diagnosticWithoutAPlaceIsOneLine() {
        #expect(Diagnostic("no").description == "error: no")
    }

    @Test func tabsAndWideCharactersKeepTheCaretInPlace() {
        let diagnostic = Diagnostic("no", at: place, line: "\t日本x: 1", length: 1)
        // The tab takes four columns, 日 and 本 two each; the fifth character is ':'.
        #expect(diagnostic.description.hasSuffix("   12 |     日本x: 1\n      |          ^"))
    }

    @Test func blamedWideCharactersGetTwoMarksEach() {
        let diagnostic = Diagnostic("no", at: SourceLocation(file: "c", line: 1, column: 1), line: "日本", length: 2)
        #expect(diagnostic.description.hasSuffix("\n      | ^~~~"))
    }

    @Test func combiningMarksTakeNoColumn() {
        let diagnostic = Diagnostic(
            "no", at: SourceLocation(file: "c", line: 1, column: 3), line: "u\u{308}x", length: 1)
        #expect(diagnostic.description.hasSuffix("\n      |  ^"))
    }

    @Test func longLineIsCutAroundTheCaret() {
        let line = String(repeating: "a", count: 500) + "HERE" + String(repeating: "b", count: 500)
        let text = Diagnostic("no", at: SourceLocation(file: "c", line: 1, column: 501), line: line, length: 4)
            .description
        let lines = text.split(separator: "\n")
        #expect(lines.allSatisfy { $0.count <= 120 })
        let before = lines[1].prefix { $0 != "H" }
        #expect(before.count == lines[2].prefix { $0 != "^" }.count)
        #expect(lines[1].dropFirst(before.count).hasPrefix("HERE"))
        #expect(lines[1].contains("…a") && lines[1].hasSuffix("b…"))
    }

    @Test func placesOutsideTheLineAreSurvived() {
        for column in [Int.min, -5, 0, 1, 3, 1_000, Int.max] {
            for length in [Int.min, -1, 0, 1, 1_000, Int.max] {
                let place = SourceLocation(file: "c", line: -3, column: column)
                #expect(Diagnostic("no", at: place, line: "ab", length: length).description.contains("^"))
            }
        }
    }

    @Test func colourIsOnlyThereWhenAskedFor() {
        let list = DiagnosticList(diagnostics: [Diagnostic("no", at: place, line: "x")])
        #expect(!list.render().contains("\u{1B}"))
        #expect(list.render(color: true).contains("\u{1B}[1;31merror:"))
    }

    @Test func terminalSequencesOfTheFileAreNotPassedOn() {
        let place = SourceLocation(file: "a\u{1B}[2Jb", line: 1, column: 1)
        let text = Diagnostic("bad \u{1B}]0;x\u{7} \u{202E}txt", at: place, line: "x\u{1B}[31m\u{200F}").description
        #expect(
            !text.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{7}" || $0 == "\u{202E}" || $0 == "\u{200F}" })
    }

    @Test func maskedPartsDoNotTellTheirLength() {
        let source = SourceText(path: "c", bytes: Array("{a: secret, b: 1}".utf8))
        let secret = SourceSpan(SourcePosition(line: 1, column: 5), SourcePosition(line: 1, column: 11))
        let other = SourceSpan(SourcePosition(line: 1, column: 13), SourcePosition(line: 1, column: 14))
        let text = source.diagnostic("no", at: other, hiding: [secret]).description
        #expect(text == "c:1:13: error: no\n    1 | {a: *****, b: 1}\n      |            ^")
        #expect(source.diagnostic("no", at: secret, hiding: [secret]).description.hasSuffix("\n      |     ^~~~~"))
    }

    @Test(arguments: ["\n", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{2029}"])
    func linesEndWhereYAMLEndsThem(lineBreak: String) {
        let source = SourceText(path: "c", bytes: Array("one\(lineBreak)zwöi\(lineBreak)".utf8))
        #expect([0, 1, 2, 3, 4].map { source.line($0) } == ["", "one", "zwöi", "", ""])
        let offset = 3 + lineBreak.utf8.count + 4
        #expect(source.position(atByte: offset) == SourcePosition(line: 2, column: 4))
    }
}
