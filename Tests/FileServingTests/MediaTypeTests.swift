import Testing

@testable import FileServing

@Suite struct MediaTypeTests {
    @Test(
        arguments: [
            ("a.txt", "text/plain; charset=utf-8"), ("a.JSON", "application/json"), ("a.tar.gz", "application/gzip"),
            ("a", "application/octet-stream"), ("a.", "application/octet-stream"), ("json", "application/octet-stream"),
            ("a.exe", "application/octet-stream"), (".json", "application/octet-stream"),
        ])
    func endOfTheNameTells(_ name: String, _ type: String) {
        #expect(MediaType.of(name) == type)
    }
}
