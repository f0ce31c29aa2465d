import PluginManifest
import Testing

@testable import Console

@Suite struct TextTests {
    @Test(arguments: [
        (0, "0 ms"), (0.34, "340 ms"), (0.9996, "1 s"), (2.44, "2.4 s"), (45.9, "45 s"), (60, "1 min"), (7200, "2 h"),
        (12_000, "3 h 20 min"), (187_200, "2 d 4 h"), (.nan, "?"), (-1, "?"), (1e300, "11574074 d 1 h"),
    ])
    func aDurationIsReadable(seconds: Double, text: String) {
        #expect(Quantity.duration(seconds: seconds) == text)
    }

    @Test(arguments: [
        (0, "0"), (0.04, "0"), (0.4, "0.4"), (9.96, "10"), (37.2, "37"), (999.6, "1k"), (12_460, "12.5k"),
        (3.14e6, "3.1M"),
        (.infinity, "?"), (1e300, "?"),
    ])
    func aRateKeepsThreeDigits(value: Double, text: String) {
        #expect(Quantity.rate(value) == text)
    }

    @Test(arguments: [
        (UInt64(812), "812 B"), (1024, "1 KiB"), (9_856_614, "9.4 MiB"), (1_048_500, "1 MiB"), (.max, "16 EiB"),
    ])
    func aNumberOfBytesIsInStepsOf1024(count: UInt64, text: String) {
        #expect(Quantity.bytes(count) == text)
    }

    @Test func aTableCutsOnlyWhatMayShrink() {
        var table = Table(columns: [.init(title: "NAME", minimum: 4), .init(title: "PID", alignment: .right)])
        table.rows = [["abcdefghij", "123456"]]
        #expect(table.render(on: .wide(40)) == ["NAME           PID", "abcdefghij  123456"])
        #expect(table.render(on: .wide(14)) == ["NAME       PID", "abcde…  123456"])
        #expect(table.render(on: .wide(5)) == ["NAME     PID", "abc…  123456"])
    }

    @Test func wideCharactersTakeTwoColumns() {
        var table = Table(columns: [.init(title: "A"), .init(title: "B")])
        table.rows = [["配信", "x"], ["ab", "y"]]
        #expect(table.render(on: .plain) == ["A     B", "配信  x", "ab    y"])
        #expect("配信配信".cut(to: 5) == "配信…")
    }

    @Test func textIsBrokenAtBlanksAndIndented() {
        #expect("one two three four five".wrapped(to: 24, indent: "  ") == "one two three four\n  five")
        #expect("".wrapped(to: 24) == "")
    }

    @Test func aRedrawErasesOnlyWhatItDoesNotWriteOver() {
        var redraw = Redraw()
        #expect(redraw.next("a\nb", on: .wide(80)) == "\u{1B}[2J\u{1B}[Ha\u{1B}[K\nb\u{1B}[K\n\u{1B}[J")
        #expect(redraw.next("c", on: .wide(80)) == "\u{1B}[Hc\u{1B}[K\n\u{1B}[J")
    }

    @Test func aRedrawNeverScrolls() {
        var redraw = Redraw()
        let terminal = Terminal(width: 80, height: 4, usesColor: false, movesCursor: true)
        let text = redraw.next("1\n2\n3\n4\n5", on: terminal)
        #expect(text.hasSuffix("1\u{1B}[K\n2\u{1B}[K\n… and 3 more lines\u{1B}[K\n\u{1B}[J"))
    }

    @Test func aDumbTerminalGetsFrameAfterFrame() {
        var redraw = Redraw()
        #expect(redraw.next("a", on: .plain) == "a\n")
        #expect(redraw.next("b", on: .plain) == "\nb\n")
    }

    @Test func aProblemSaysWhatToDoBelowIt() {
        #expect(
            ProblemLine.text("no host runs", advice: "Start one.", on: .plain) == "muster: no host runs\n  Start one.")
    }

    @Test func aMomentOutOfRangeIsNoTrap() {
        #expect(Moment.text(0) == "1970-01-01 00:00:00 UTC")
        #expect(Moment.text(.infinity) == "an unknown time")
        #expect(Moment.text(-1e300) == "an unknown time")
    }

    @Test func aPluginIsDescribedWithItsOptions() {
        let manifest = Manifest(
            id: "org.example.greeter", name: "Greeter", version: "1.2.3", summary: "Says hello.", vendor: "Example",
            licence: "MIT", url: "", abi: ABIVersion(major: 1, minor: 0), requiredExtensions: ["muster.http-server/1"],
            listeners: [ListenerDeclaration(name: "hello", transport: .http, port: 50010, help: "Answers /hello.")],
            options: [
                OptionDeclaration(name: "greeting", type: .string, defaultValue: "Hello", help: "What it says."),
                OptionDeclaration(
                    name: "level", type: .enum, isRequired: true, help: "How loud.", choices: ["soft", "loud"]),
                OptionDeclaration(
                    name: "limits.size", type: .bytes, isSecret: true, minimum: "1", maximum: "64KiB", help: "How much."
                ),
            ])
        #expect(
            PluginView(manifest).render(on: .wide(80)) == """
                Greeter 1.2.3 (org.example.greeter)
                Says hello.

                  vendor   Example
                  licence  MIT
                  ABI      1.0
                  needs    muster.http-server/1

                Listeners
                  hello (http, port 50010)
                      Answers /hello.

                Options
                  greeting (string, default Hello)
                      What it says.
                  level (soft | loud, required)
                      How loud.
                  limits.size (bytes, secret, 1 to 64KiB)
                      How much.
                """)
    }

    @Test func aPluginIsDescribedWithItsHelpers() {
        let manifest = Manifest(
            id: "org.example.sweep", name: "Sweep", version: "1.0.0", summary: "Sweeps.", vendor: "", licence: "",
            url: "", abi: ABIVersion(major: 1, minor: 0),
            helpers: [
                HelperDeclaration(
                    name: "sweeper", program: "muster-sweeper", readsFiles: true, writesState: true,
                    capabilities: ["CAP_DAC_READ_SEARCH"], help: "Walks and reads."),
                HelperDeclaration(name: "judge", program: "muster-judge", help: ""),
            ])
        #expect(
            PluginView(manifest).render(on: .wide(120)).hasSuffix(
                """
                Helpers
                  sweeper (muster-sweeper, reads all files, writes the component's state, must be granted \
                CAP_DAC_READ_SEARCH)
                      Walks and reads.
                  judge (muster-judge)
                """))
    }

    @Test func aPluginThatCannotBeUsedIsListedWithItsReason() {
        let plugins = [
            ListedPlugin(name: "HelloC", path: "/p/libHelloC.so", version: "1.0.0", summary: "Says hello."),
            ListedPlugin(name: "Broken", path: "/p/libBroken.so", problem: "it exports no muster_plugin_entry_v1"),
        ]
        #expect(
            PluginListView(plugins).render(on: .plain) == """
                PLUGIN  VERSION  SUMMARY         FILE
                HelloC  1.0.0    Says hello.     /p/libHelloC.so
                Broken  -        cannot be used  /p/libBroken.so

                Broken: it exports no muster_plugin_entry_v1
                """)
        #expect(PluginListView([]).render(on: .plain).hasPrefix("No plugin was found"))
    }
}
