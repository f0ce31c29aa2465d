import Testing

@testable import FleetAdmin

@Suite struct SelectionTests {
    @Test(arguments: [
        ("office", "office"), ("pc 1", "\"pc 1\""), ("", "\"\""), ("all", "\"all\""), ("NOT", "\"NOT\""),
        ("1st", "\"1st\""), ("a-b", "\"a-b\""), (#"a"b\c"#, #""a\"b\\c""#), ("配信", "\"配信\""),
        ("\"\u{301}", "\"\\\"\u{301}\""), ("a) or (b", "\"a) or (b\""),
    ])
    func aNameIsQuotedSoThatItIsOneName(name: String, text: String) {
        #expect(SelectorText.quoted(name) == text)
    }

    @Test func optionsBecomeOneSelector() {
        func composed(_ groups: [String], _ clients: [String], _ expression: String?) -> String? {
            SelectorText.composed(groups: groups, clients: clients, where: expression)
        }
        #expect(composed([], [], nil) == nil)
        #expect(composed(["office"], [], nil) == "group=office")
        #expect(composed(["office", "lab 2"], ["pc1"], nil) == "group=office or group=\"lab 2\" or client=pc1")
        #expect(composed([], [], "os=linux or ") == "os=linux or ")
        #expect(composed(["office"], [], "a=1 or b=2") == "group=office and (a=1 or b=2)")
        #expect(composed(["a", "b"], [], "os=linux") == "(group=a or group=b) and (os=linux)")
    }

    @Test(arguments: [
        ("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800), ("2w", 1_209_600), ("1h30m", 5400), ("0s", 0),
    ])
    func aSpanOfTimeIsRead(text: String, seconds: Int) {
        #expect(DurationText.read(text) == .seconds(seconds))
    }

    @Test(arguments: [
        "", "24", "h", "1.5h", "-1h", "1 h", "1y", "99999999999999999999d", "5200000w", "1h30", "١h",
    ])
    func whatIsNoSpanOfTimeIsNotGuessed(text: String) { #expect(DurationText.read(text) == nil) }
}
