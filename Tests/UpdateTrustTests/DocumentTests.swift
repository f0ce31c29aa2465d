import Testing

@testable import UpdateTrust

/// What a file of metadata may look like (TUF section 4.2 and 5.3 to 5.6).
@Suite struct DocumentTests {
    private func isRead(_ text: String) -> Bool { (try? JSON(parsing: Array(text.utf8))) != nil }

    @Test(arguments: [
        "", "{", "{\"a\"", "[1,]", "{\"a\":1,}", "[1] 2", "nul", "\"a", "\"\\x\"", "\"\\ud800\"", "\"\n\"", "{1:2}",
    ])
    func malformedTextIsRefused(_ text: String) { #expect(!isRead(text)) }

    @Test(arguments: ["1.0", "1e3", "01", "-01", "-", "+1", "9223372036854775808", "-9223372036854775809", "NaN"])
    func aNumberThatIsNoIntegerOf64BitsIsRefused(_ text: String) { #expect(!isRead(text)) }

    @Test(
        arguments: [("0", 0), ("-1", -1), ("9223372036854775807", .max), ("-9223372036854775808", .min)]
            as [(String, Int64)])
    func integersOf64BitsAreRead(_ text: String, _ number: Int64) throws {
        #expect(try JSON(parsing: Array(text.utf8)) == .integer(number))
    }

    @Test func equalKeysInOneObjectAreRefused() {
        #expect(!isRead("{\"a\":1,\"a\":1}"))
        #expect(!isRead("{\"a\":1,\"\\u0061\":1}"))
        #expect(isRead("{\"a\":{\"a\":1},\"b\":{\"a\":1}}"))
    }

    @Test func depthIsBounded() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(isRead(nested(JSONParser.depthLimit)))
        #expect(!isRead(nested(JSONParser.depthLimit + 1)))
        #expect(!isRead(String(repeating: "[", count: 1_000_000)))
    }

    @Test func bytesThatAreNotUTF8AreRefused() {
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0x22, 0xED, 0xA0, 0x80, 0x22]] {
            #expect(throws: JSONSyntaxError.self) { try JSON(parsing: bytes) }
        }
    }

    @Test func canonicalFormOrdersByScalarsAndEscapesTwoCharacters() throws {
        let json = try JSON(
            parsing: Array(#"{ "\ud800\udc00":1, "\uffff":2, "b":[true, null], "a":"\"\\\n\u00e9" }"#.utf8))
        let expected = "{\"a\":\"\\\"\\\\\n\u{E9}\",\"b\":[true,null],\"\u{FFFF}\":2,\"\u{10000}\":1}"
        #expect(String(decoding: json.canonical, as: UTF8.self) == expected)
        #expect(try JSON(parsing: json.text).canonical == json.canonical)
    }

    @Test func unknownFieldsAreSignedOver() async throws {
        let publisher = try SimulatedPublisher()
        publisher.targets["x-new"] = ["é": [1, "\u{10000}"]]
        try publisher.publish()
        let client = try SimulatedClient(publisher)
        #expect(await client.refusal() == nil)
        let signed = try #require(try client.cached("targets"))
        let other = String(decoding: signed, as: UTF8.self).replacing("x-new", with: "x-old")
        publisher.repository.put("1.targets.json", Array(other.utf8))
        #expect(await (try SimulatedClient(publisher)).refusal() == .unsigned)
    }

    @Test func aFileCutAnywhereIsRefused() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        let whole = try #require(publisher.repository.bytes("timestamp.json"))
        let client = try SimulatedClient(publisher)
        for count in stride(from: 0, to: whole.count, by: 7) {
            publisher.repository.put("timestamp.json", Array(whole.prefix(count)))
            #expect(await client.refusal() == .malformed, "\(count) bytes")
        }
    }

    @Test(arguments: ["length", "hashes", "version"])
    func aFileOtherThanTheOneThatIsNamedIsRefused(_ field: String) async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        let bytes = try #require(publisher.repository.bytes("1.snapshot.json"))
        let digest = try #require(FileHashes.sha256(of: bytes))
        func name(_ length: Int, _ digest: String, _ version: Int64) throws {
            publisher.timestamp["meta"] = [
                "snapshot.json": [
                    "version": .integer(version), "length": .integer(Int64(length)),
                    "hashes": ["sha256": .string(digest)],
                ]
            ]
            try publisher.publish("timestamp")
        }
        try name(bytes.count, digest, 1)
        #expect(await (try SimulatedClient(publisher)).refusal() == nil)
        publisher.repository.put("2.snapshot.json", bytes)
        try name(
            bytes.count + (field == "length" ? 1 : 0), field == "hashes" ? String(digest.reversed()) : digest,
            field == "version" ? 2 : 1)
        #expect(await (try SimulatedClient(publisher)).refusal() == .mismatch)
    }

    @Test(arguments: [
        ("1.0.34", true), ("1.0", true), ("1.99.0", true), ("2.0.0", false), ("1", false), ("1.+0", false),
        ("1.", false),
        ("1.0.0.0", false), ("01.0", false), ("", false), ("1.0 ", false), ("1.0.4294967296", false),
    ])
    func onlyVersionOneOfTheSpecificationIsUnderstood(_ version: String, _ isUnderstood: Bool) async throws {
        let publisher = try SimulatedPublisher()
        publisher.timestamp["spec_version"] = .string(version)
        try publisher.publish()
        #expect(await (try SimulatedClient(publisher)).refusal() == (isUnderstood ? nil : .malformed))
    }

    @Test func aWrongTypeIsRefused() async throws {
        let publisher = try SimulatedPublisher()
        publisher.keys["snapshot"] = publisher.keys["targets"]
        publisher.listKeys()
        try publisher.publish()
        publisher.repository.put("1.targets.json", publisher.repository.bytes("1.snapshot.json"))
        #expect(await (try SimulatedClient(publisher)).refusal() == .malformed)
    }

    @Test func aFileAboveItsLimitIsRefused() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        var limits = MetadataLimits()
        limits.timestamp = try #require(publisher.repository.bytes("timestamp.json")).count
        #expect(await (try SimulatedClient(publisher, limits: limits)).refusal() == nil)
        limits.timestamp -= 1
        #expect(await (try SimulatedClient(publisher, limits: limits)).refusal() == .tooLarge)
    }

    @Test func aVersionThatNoneCanFollowIsRefused() throws {
        #expect(throws: MetadataError.self) {
            try SnapshotMetadata([
                "version": .integer(.max), "expires": "2030-01-01T00:00:00Z", "meta": ["targets.json": ["version": 1]],
            ])
        }
    }
}
