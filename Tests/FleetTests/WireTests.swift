import FoundationEssentials
import Testing

@testable import Fleet

@Suite("What is written on the wire")
struct WireTests {
    @Test(arguments: [
        (0, "1970-01-01T00:00:00.000Z"), (1_795_539_600_125, "2026-11-24T17:00:00.125Z"),
        (951_782_400_000, "2000-02-29T00:00:00.000Z"), (-1, "1969-12-31T23:59:59.999Z"),
    ])
    func timesAreWrittenAndReadAlike(_ milliseconds: Int64, _ text: String) {
        let time = Timestamp(milliseconds: milliseconds)
        #expect(time.description == text)
        #expect(Timestamp(text) == time)
    }

    @Test(arguments: [
        "", "2026-11-24", "2026-11-24T17:00:00", "2026-11-24T17:00:00+01:00", "2026-13-24T17:00:00Z",
        "2026-11-24T24:00:00Z",
        "2026-11-24T17:00:00.Z", "2026-11-24T17:00:0xZ", "２026-11-24T17:00:00Z",
    ])
    func otherTextsAreNoTimes(_ text: String) { #expect(Timestamp(text) == nil) }

    @Test func aTimeMayHaveFewerOrMoreDigits() {
        #expect(Timestamp("2026-11-24T17:00:00Z")?.milliseconds == 1_795_539_600_000)
        #expect(Timestamp("2026-11-24T17:00:00.1Z")?.milliseconds == 1_795_539_600_100)
        #expect(Timestamp("2026-11-24T17:00:00.1259999Z")?.milliseconds == 1_795_539_600_125)
    }

    @Test func identifiersSortByTheTimeTheyWereMadeAt() {
        let ids = (0..<200).map { JobID.make(at: Timestamp(milliseconds: 1_800_000_000_000 + Int64($0))) }
        #expect(ids == ids.sorted())
        #expect(Set(ids).count == 200)
        for id in ids {
            let characters = Array(id.description)
            #expect(characters[14] == "7" && "89ab".contains(characters[19]), "RFC 9562, version 7")
        }
    }

    @Test(arguments: [
        "", "0", "0192f3c0-0000-7000-8000-00000000000", "{0192f3c0-0000-7000-8000-000000000000}", "../../etc/passwd",
    ])
    func otherTextsAreNoIdentifiers(_ text: String) { #expect(ClientID(text) == nil) }

    @Test func whatIsWrongIsSaidWithItsPlace() {
        func problem(_ text: String) -> String {
            do {
                _ = try FleetJSON.decode(JobOrder.self, from: Array(text.utf8))
                return "read"
            } catch { return "\(error)" }
        }
        #expect(problem(#"{"selector": "all"}"#) == "read")
        #expect(problem(#"{"selector": 1}"#) == "selector: it is of the wrong type")
        #expect(problem(#"{}"#) == "selector: it is missing")
        #expect(problem(#"{"selector": "all", "not_before": "soon"}"#).hasPrefix("not_before: it is not a time"))
        #expect(problem(#"{"selector": "all""#) == "it is not JSON")
        #expect(problem("") == "it is not JSON")
    }

    @Test func keysAreWordsInLowerCase() throws {
        let answer = HeartbeatAnswer(time: Timestamp(seconds: 0), intervalSeconds: 60, wantsStatus: true)
        #expect(
            String(decoding: try FleetJSON.encode(answer), as: UTF8.self)
                == #"{"interval_seconds":60,"jobs_waiting":0,"rekey":false,"time":"1970-01-01T00:00:00.000Z","wants_status":true}"#
        )
        let back: HeartbeatAnswer = try FleetJSON.decode(from: try FleetJSON.encode(answer))
        #expect(back == answer)
    }

    @Test func anyJSONIsHandedOnAsItIs() throws {
        let text = #"{"a":[1,2.5,"x",null,true],"b":{"c":-9007199254740993}}"#
        let value = try FleetJSON.decode(JSONValue.self, from: Array(text.utf8))
        #expect(String(decoding: try FleetJSON.encode(value), as: UTF8.self) == text)
    }

    @Test func jsonThatIsNestedWithoutEndIsRefused() {
        let text = String(repeating: "[", count: 100_000)
        #expect(throws: FleetJSONError.self) { try FleetJSON.decode(JSONValue.self, from: Array(text.utf8)) }
        #expect(throws: FleetJSONError.self) {
            try FleetJSON.decode(
                JSONValue.self, from: Array((text + String(repeating: "]", count: 100_000)).utf8))
        }
    }

    @Test func identifiersAreInTheOrderOfTheirText() {
        let ids = (0..<500).map { number in
            number % 2 == 0 ? JobID.make(at: Timestamp(milliseconds: Int64(number))) : JobID(UUID())
        }
        #expect(ids.sorted().map(\.description) == ids.map(\.description).sorted())
    }
}
