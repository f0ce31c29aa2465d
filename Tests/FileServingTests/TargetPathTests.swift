import Testing

@testable import FileServing

@Suite struct TargetPathTests {
    @Test(
        arguments: [
            ("/a", ["a"]), ("/a/b.txt", ["a", "b.txt"]), ("/a%20b", ["a b"]), ("/%61", ["a"]), ("/%C3%BC", ["ü"]),
            ("/a..b", ["a..b"]), ("/a.", ["a."]), ("/a%25b", ["a%b"]), ("/a%3Fb", ["a?b"]), ("/a:b", ["a:b"]),
            ("/a%252e", ["a%2e"]), ("/ü", ["ü"]), ("/+", ["+"]), ("/~x", ["~x"]), ("/a#b", ["a#b"]),
        ])
    func pathsOfFiles(_ target: String, _ names: [String]) {
        #expect(TargetPath(Array(target.utf8)) == .file(.init(names: names)))
    }

    @Test(
        arguments: [
            "", "*", "a", "http://x/", "/a%", "/a%2", "/a%2g", "/a%%41", "/a%2Fb", "/a%2fb", "/%2e%2e%2fetc%2fpasswd",
            "/a\\b", "/a%5Cb", "/..%5c..%5cetc", "/a%00", "/a%00.txt", "/a%0A", "/a%7F", "/a\u{1}", "/%C3", "/%FF%FE",
            "/%C0%AE%C0%AE/", "/%ED%A0%80",
        ])
    func malformedPaths(_ target: String) {
        #expect(TargetPath(Array(target.utf8)) == .malformed)
    }

    @Test(
        arguments: [
            "/", "//", "/a/", "//a", "/a//b", "/.", "/..", "/./a", "/../a", "/a/..", "/a/../b", "/a/./b", "/.hidden",
            "/a/.git/config", "/%2e", "/%2E%2e/etc/passwd", "/.%2e/a", "/a/%2e%2e/b", "/...", "/.well-known/x",
        ])
    func pathsThatAreNeverServed(_ target: String) {
        #expect(TargetPath(Array(target.utf8)) == .notServed)
    }

    @Test func tooLongOrTooDeepIsNotServed() {
        #expect(TargetPath(Array(("/" + String(repeating: "a", count: 255)).utf8)) != .notServed)
        #expect(TargetPath(Array(("/" + String(repeating: "a", count: 256)).utf8)) == .notServed)
        #expect(TargetPath(Array(String(repeating: "/a", count: 64).utf8)) != .notServed)
        #expect(TargetPath(Array(String(repeating: "/a", count: 65).utf8)) == .notServed)
        let name = "/" + String(repeating: "b", count: 200)
        #expect(TargetPath(Array(String(repeating: name, count: 21).utf8)) == .notServed)
        #expect(TargetPath([UInt8](repeating: 0x2F, count: 1 << 20)) == .notServed)
    }

    /// No bytes whatever give a path that leaves its folder.
    @Test func anyBytesGiveOnlySafeNames() {
        var generator = SystemRandomNumberGenerator()
        let pieces = ["/", "..", ".", "%2e", "%2F", "%5c", "\\", "a", "%", "%00", "é", "%C3%A9", "%25", "?", "#", " "]
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...10, using: &generator)
            var bytes = Array(
                ("/" + (0..<count).compactMap { _ in pieces.randomElement(using: &generator) }.joined()).utf8)
            if Bool.random(using: &generator), let index = bytes.indices.randomElement(using: &generator) {
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
            guard case .file(let path) = TargetPath(bytes) else { continue }
            for name in path.names {
                #expect(!name.isEmpty && !name.hasPrefix(".") && name.utf8.count <= 255)
                #expect(!name.utf8.contains { $0 < 0x20 || $0 == 0x2F || $0 == 0x5C || $0 == 0x7F })
            }
        }
    }
}
