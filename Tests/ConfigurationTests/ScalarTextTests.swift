import PluginManifest
import Testing

@testable import Configuration

@Suite struct ScalarTextTests {
    @Test(
        arguments: [
            ("0", 0), ("0s", 0), ("7us", 7_000), ("250ms", 250_000_000), ("10s", 10_000_000_000),
            ("5m", 300_000_000_000),
            ("1h30m", 5_400_000_000_000), ("7d", 604_800_000_000_000), ("1d2h3m4s5ms6us", 93_784_005_006_000),
            ("9223372036s", 9_223_372_036_000_000_000),
        ] as [(String, Int64)])
    func durationIsCountedInNanoseconds(text: String, nanoseconds: Int64) throws {
        #expect(try DurationText.parse(text) == nanoseconds)
    }

    @Test(arguments: [
        "", "s", "10", "-1s", "+1s", "1.5h", "1,5h", "10 s", "1m1h", "1s1s", "1S", "1w", "1µs", "٣s", "9223372037s",
        "99999999999999999999s", "106752d", "1h 30m", "1h-30m", "1s\0",
    ])
    func wrongDurationIsRefused(text: String) {
        #expect(throws: ScalarProblem.self) { try DurationText.parse(text) }
    }

    @Test(
        arguments: [
            ("0", 0), ("512", 512), ("512B", 512), ("64KiB", 65_536), ("10MB", 10_000_000), ("1GiB", 1_073_741_824),
            ("3TB", 3_000_000_000_000), ("8388607TiB", 9_223_370_937_343_148_032),
        ] as [(String, Int64)])
    func bytesAreCounted(text: String, count: Int64) throws {
        #expect(try BytesText.parse(text) == count)
    }

    @Test(arguments: [
        "", "B", "-1", "1.5GiB", "64 KiB", "64K", "64kb", "1KiB1B", "8388608TiB", "9223372036854775808", "0x10",
    ])
    func wrongBytesAreRefused(text: String) {
        #expect(throws: ScalarProblem.self) { try BytesText.parse(text) }
    }

    @Test func wrongBytesSayWhatToWrite() {
        #expect(throws: ScalarProblem("write 64KB")) { try BytesText.parse("64kb") }
        #expect(throws: ScalarProblem("write 2MiB")) { try BytesText.parse("2mib") }
        #expect(throws: ScalarProblem("write 64KiB (in steps of 1024) or 64KB (of 1000)")) {
            try BytesText.parse("64k")
        }
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("+5", 5), ("0x1F", 31), ("-0x10", -16), ("9223372036854775807", .max),
            ("-9223372036854775808", .min),
        ] as [(String, Int64)])
    func integerIsRead(text: String, value: Int64) throws {
        #expect(try ScalarText.integer(text) == value)
    }

    @Test(arguments: [
        "", "-", "+-1", "--1", "0x", "0xg", "0x_1", "07", "1_000", "1e3", "1.0", " 1", "1 ", "9223372036854775808", "٣",
    ])
    func wrongIntegerIsRefused(text: String) {
        #expect(throws: ScalarProblem.self) { try ScalarText.integer(text) }
    }

    @Test(arguments: [("1", 1), ("0.5", 0.5), ("-2.5e-3", -0.0025), (".5", 0.5)] as [(String, Double)])
    func numberIsRead(text: String, value: Double) throws {
        #expect(try ScalarText.number(text) == value)
    }

    @Test(arguments: ["", ".", "e", "nan", "inf", ".inf", "0x1p3", "1e999", "1 ", "--1", "1e"])
    func wrongNumberIsRefused(text: String) {
        #expect(throws: ScalarProblem.self) { try ScalarText.number(text) }
    }

    @Test(arguments: [
        "http://a", "HTTPS://example.com", "https://example.com:8443/a?b=c#d", "https://[::1]:80/", "https://[::1]",
        "http://10.0.0.1/", "https://a_b.example/%20",
    ])
    func urlIsAccepted(text: String) throws {
        #expect(try URLText.check(text) == text)
    }

    @Test(arguments: [
        "", "http://", "https:///x", "ftp://a/", "example.com", "//example.com", "https://user@a/", "https://u:p@a/",
        "https://a b/", "https://ü.example/", "https://-a/", "https://a..b/", "https://a:0/", "https://a:99999/",
        "https://a:/", "https://[::1/", "https://[x]/", "https://1.2.3/", "https://a/\n",
    ])
    func wrongURLIsRefused(text: String) {
        #expect(throws: ScalarProblem.self) { try URLText.check(text) }
    }

    @Test(arguments: [
        ("443", "[::]:443"), ("0", "[::]:0"), ("*:443", "[::]:443"), ("[::]:443", "[::]:443"),
        ("0.0.0.0:1", "0.0.0.0:1"),
        ("localhost:65535", "127.0.0.1:65535"), ("[2001:DB8:0:0::1]:80", "[2001:db8::1]:80"),
    ])
    func listenAddressIsRead(text: String, canonical: String) throws {
        #expect(try ListenAddress(parsing: text).description == canonical)
    }

    @Test(arguments: [
        "", ":", ":80", "*", "*:", "*:x", "*:-1", "*:65536", "65536", "host:80", "1.2.3:80", "1.2.3.4.5:80", "::1:80",
        "[::1]",
        "[::1]80", "[]:80", "[1.2.3.4]:80", "[fe80::1%lo]:80", "[::ffff:1.2.3.4]:80", "01.2.3.4:80", "1.2.3.4:80\0",
        "٤٤٣",
    ])
    func wrongListenAddressIsRefused(text: String) {
        #expect(throws: ScalarProblem.self) { try ListenAddress(parsing: text) }
    }

    @Test(arguments: [("true", true), ("false", false)])
    func boolIsRead(text: String, value: Bool) throws {
        #expect(try ScalarText.bool(text) == value)
    }

    @Test func wordsOfOldYAMLForBoolAreRefusedWithTheRightWord() {
        for text in ["yes", "on", "Yes", "TRUE", "y"] {
            #expect(throws: ScalarProblem("write true")) { try ScalarText.bool(text) }
        }
        for text in ["no", "off", "False", "n"] {
            #expect(throws: ScalarProblem("write false")) { try ScalarText.bool(text) }
        }
        #expect(throws: ScalarProblem(nil)) { try ScalarText.bool("1") }
    }
}

@Suite struct NearestNameTests {
    private static let names = ["enabled", "plugin", "listen", "config", "grants", "data_dir", "level"]

    @Test(arguments: [
        ("enabeld", "enabled"), ("enable", "enabled"), ("Enabled", "enabled"), ("data-dir", "data_dir"),
        ("dataDir", "data_dir"), ("lsiten", "listen"), ("confg", "config"), ("plugins", "plugin"), ("levle", "level"),
    ])
    func mistypedNameIsRecognised(name: String, nearest: String) {
        #expect(NearestName.of(name, among: Self.names) == nearest)
    }

    @Test(arguments: ["", "x", "colour", "port", "enlist", String(repeating: "e", count: 1 << 20)])
    func otherNameHasNoNearest(name: String) {
        #expect(NearestName.of(name, among: Self.names) == nil)
    }

    @Test func swapOfNeighboursIsOneStep() {
        #expect(NearestName.distance(Array("abcd".utf8), Array("acbd".utf8)) == 1)
        #expect(NearestName.distance(Array("abcd".utf8), Array("".utf8)) == 4)
        #expect(NearestName.distance(Array("kitten".utf8), Array("sitting".utf8)) == 3)
    }
}

@Suite struct EnvironmentSubstitutionTests {
    private let substitution = EnvironmentSubstitution(environment: ["A": "1", "B_2": "zwei", "EMPTY": "", "X": "${A}"])

    @Test(arguments: [
        ("plain", "plain"), ("$5", "$5"), ("$", "$"), ("${A}", "1"), ("<${A}${B_2}>", "<1zwei>"), ("$${A}", "${A}"),
        ("$$${A}", "$${A}"), ("${NO:-other}", "other"), ("${EMPTY:-other}", "other"), ("${EMPTY}", ""), ("${NO:-}", ""),
        ("${X}", "${A}"), ("ü${A}ü", "ü1ü"),
    ])
    func variablesArePutInOnce(text: String, expanded: String) throws {
        #expect(try substitution.expand(text).text == expanded)
    }

    @Test(arguments: ["${}", "${1}", "${A", "${A-b}", "${A:b}", "${NO}", "${ A}", "${A }", "${É}"])
    func wrongVariableIsRefused(text: String) {
        #expect(throws: EnvironmentSubstitution.Failure.self) { try substitution.expand(text) }
    }

    @Test func blameIsOnTheVariableAlone() throws {
        let failure = #expect(throws: EnvironmentSubstitution.Failure.self) { try substitution.expand("ab${NO}cd") }
        #expect(failure?.range == 2..<7)
    }

    @Test func textCannotGrowWithoutBound() {
        let long = EnvironmentSubstitution(environment: ["L": String(repeating: "x", count: 40_000)])
        #expect(throws: EnvironmentSubstitution.Failure.self) { try long.expand("${L}${L}") }
    }
}
