import Testing

@testable import Fleet

@Suite("Selectors")
struct SelectorTests {
    private static let office = SelectorSubject(
        id: .make(), name: "ws-1", group: "office", osFamily: "linux", os: "Debian GNU/Linux 12 (bookworm)",
        version: "0.9.1", definitions: "40", isOnline: true)
    private static let lab = SelectorSubject(
        id: .make(), name: "Kiosk 7", group: "lab", osFamily: "linux", os: "Fedora Linux 41", version: "0.10.0",
        definitions: "9", isOnline: false)
    private static let silent = SelectorSubject(id: .make(), name: "new", group: "office")

    @Test(arguments: [
        ("all", "ws-1 Kiosk 7 new"), ("group=office", "ws-1 new"), ("group!=office", "Kiosk 7"),
        ("group=OFFICE and status=online", "ws-1"), ("name=\"kiosk 7\"", "Kiosk 7"), ("name~\"ki*7\"", "Kiosk 7"),
        ("name~w?-1", "ws-1"), ("definitions<40", "Kiosk 7"), ("definitions<=40", "ws-1 Kiosk 7"),
        ("definitions>9", "ws-1"), ("version>=0.10", "Kiosk 7"), ("version<0.10", "ws-1"),
        ("not group=office", "Kiosk 7"), ("not (group=office or group=lab)", ""),
        ("group=lab or group=office and status=online", "ws-1 Kiosk 7"),
        ("(group=lab or group=office) and status=online", "ws-1"), ("os=linux", "ws-1 Kiosk 7"),
        ("os~*debian*", "ws-1"), ("os!=linux", "new"), ("  all\t", "ws-1 Kiosk 7 new"), ("name=or", ""),
        ("name=\"a\\\"b\"", ""), ("not not all", "ws-1 Kiosk 7 new"), ("client=ws-1 or client=new", "ws-1 new"),
    ])
    func selects(_ text: String, _ names: String) throws {
        let selector = try Selector(text)
        let found = [Self.office, Self.lab, Self.silent].filter { selector.matches($0) }.map(\.name)
        #expect(found.joined(separator: " ") == names)
    }

    @Test func selectsByID() throws {
        let selector = try Selector("client=\(Self.lab.id.description.uppercased())")
        #expect(selector.matches(Self.lab) && !selector.matches(Self.office))
    }

    @Test(arguments: [
        ("", 1, "it is empty"), ("   ", 1, "it is empty"), ("grup=office", 1, "no field 'grup'"),
        ("group office", 7, "was expected after 'group', not 'office'"), ("group=", 7, "a value was expected"),
        ("group=a group=b", 9, "'and', 'or' or the end was expected"), ("(group=a", 1, "this '(' is never closed"),
        ("group=a)", 8, "the end was expected"), ("group=\"a", 7, "is never closed"),
        ("group=a and", 12, "not the end"),
        ("group!a", 6, "'!' is no operator"), ("status=asleep", 8, "'online' or 'offline'"),
        ("all and or all", 9, "no field 'or'"), ("group==a", 7, "a value was expected after 'group=', not '='"),
        ("name=ü and x=1", 12, "no field 'x'"), ("()", 2, "a comparison"), ("group=\"a\\", 7, "is never closed"),
    ])
    func saysWhereItCannotBeRead(_ text: String, _ column: Int, _ reason: String) {
        do {
            _ = try Selector(text)
            Issue.record("'\(text)' was read")
        } catch {
            #expect(error.column == column)
            #expect(error.reason.contains(reason), "\(error.reason)")
        }
    }

    @Test func neitherDepthNorLengthIsUnbounded() throws {
        _ = try Selector(String(repeating: "(", count: 60) + "all" + String(repeating: ")", count: 60))
        #expect(throws: SelectorError.self) { try Selector(String(repeating: "(", count: 100_000)) }
        #expect(throws: SelectorError.self) { try Selector(String(repeating: "not ", count: 4_000) + "all") }
        #expect(throws: SelectorError.self) { try Selector("name=" + String(repeating: "x", count: 20_000)) }
        let many = (0..<700).map { "name=machine-\($0)" }.joined(separator: " or ")
        #expect(try Selector(many).comparisons.count == 700)
    }

    @Test func aPatternOfManyStarsTakesNoTime() {
        let text = String(repeating: "a", count: 5_000)
        #expect(!Selector.Comparison.matches(text, pattern: String(repeating: "*a", count: 200) + "*b"))
    }

    @Test func tellsWhatIsNamed() throws {
        let named = try Selector("group=a or not (client=\"b c\" and group!=d)").comparisons
        #expect(named.map(\.value) == ["a", "b c", "d"])
        #expect(named.map(\.column) == [7, 24, 41])
    }
}
