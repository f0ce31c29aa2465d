import Testing

@testable import UpdateTrust

@Suite struct MetadataTimeTests {
    @Test(arguments: [
        "1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2024-02-29T00:00:00Z", "9999-12-31T23:59:59Z",
        "0001-01-01T00:00:00Z",
    ])
    func aMomentIsWrittenAsItWasRead(_ text: String) { #expect(MetadataTime(text)?.description == text) }

    @Test(arguments: [
        "2023-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2030-13-01T00:00:00Z", "2030-00-01T00:00:00Z",
        "2030-01-32T00:00:00Z", "2030-01-01T24:00:00Z", "2030-01-01T00:60:00Z", "2030-01-01T00:00:60Z",
        "2030-01-01T00:00:00", "2030-01-01T00:00:00+00:00", "2030-01-01 00:00:00Z", "2030-01-01T00:00:00.0Z",
        "+030-01-01T00:00:00Z", "0000-01-01T00:00:00Z", "",
    ])
    func whatIsNoMomentIsRefused(_ text: String) { #expect(MetadataTime(text) == nil) }

    @Test func secondsAreCountedFrom1970() {
        #expect(MetadataTime("1970-01-02T00:00:01Z")?.seconds == 86_401)
        #expect(MetadataTime("2030-03-17T17:46:40Z")?.seconds == 1_900_000_000)
    }
}
