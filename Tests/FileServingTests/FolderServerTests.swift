import Glibc
import MusterABI
import PluginTesting
import Testing

@testable import FileServing

@Suite(.serialized) struct FolderServerTests {
    let fixture: Fixture

    init() throws {
        fixture = try Fixture()
        try fixture.write("small.txt", "Hello, workstation.\n")
        try fixture.write("sub/dir/data.bin", (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        try fixture.write("empty", [])
    }

    private let big = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }

    // MARK: Plain answers

    @Test(arguments: ["/small.txt", "/small.txt?v=1", "/sm%61ll.txt", "/small%2Etxt?%"])
    func fileIsServedWithItsFields(_ target: String) {
        for _ in 0..<2 {  // looked at, then from the cache
            let answer = fixture.get(target)
            #expect(answer.status == 200)
            #expect(answer.text == "Hello, workstation.\n")
            #expect(answer["Content-Length"] == "20")
            #expect(answer["Content-Type"] == "text/plain; charset=utf-8")
            #expect(answer["Accept-Ranges"] == "bytes")
            #expect(answer["Cache-Control"] == "no-cache")
            #expect(answer["X-Content-Type-Options"] == "nosniff")
            #expect(answer["ETag"]?.hasPrefix("\"") == true)
            #expect(answer["Last-Modified"]?.hasSuffix(" GMT") == true)
        }
    }

    @Test func bigFileIsServedFromItsDescriptor() {
        for _ in 0..<2 {
            let answer = fixture.get("/sub/dir/data.bin")
            #expect(answer.status == 200)
            #expect(answer.body == big)
            #expect(answer["Content-Type"] == "application/octet-stream")
        }
    }

    @Test func emptyFileIsServed() {
        let answer = fixture.get("/empty")
        #expect(answer.status == 200)
        #expect(answer.body == [])
        #expect(answer["Content-Length"] == "0")
    }

    @Test(arguments: ["/small.txt", "/sub/dir/data.bin", "/empty"])
    func headHasTheFieldsOfGETAndNoBody(_ target: String) {
        let (get, head) = (fixture.get(target), fixture.send("HEAD", target))
        #expect(head.status == 200)
        #expect(head.body == [])
        #expect(head.headers.map(\.value) == get.headers.map(\.value))
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "get"])
    func otherMethodsAreRefusedWithAllow(_ method: String) {
        let answer = fixture.send(method, "/small.txt")
        #expect(answer.status == 405)
        #expect(answer["Allow"] == "GET, HEAD")
    }

    @Test(arguments: [
        "/nothing", "/", "/sub", "/sub/", "/sub/dir", "/small.txt/", "/small.txt/x", "/sub//dir/data.bin", "/SMALL.TXT",
    ])
    func whatIsNoFileIsNotFound(_ target: String) {
        #expect(fixture.get(target).status == 404)
        #expect(fixture.get(target).status == 404)
    }

    // MARK: Hostile targets

    @Test func nothingOutsideOfTheFolderIsServed() throws {
        let outside = fixture.root + "/secret"
        let descriptor = open(outside, O_WRONLY | O_CREAT, 0o644)
        #expect(write(descriptor, "secret", 6) == 6)
        close(descriptor)
        try fixture.write(".hidden", "hidden")
        mkdir(fixture.path(".git"), 0o755)
        try fixture.write(".git/config", "hidden")
        let targets = [
            "/../secret", "/..%2fsecret", "/%2e%2e/secret", "/%2e%2e%2fsecret", "/.%2e/secret", "/sub/../../secret",
            "/sub/%2e%2e/%2e%2e/secret", "/..\\secret", "/..%5csecret", "/%252e%252e/secret", "//etc/passwd",
            "/\(outside)", outside, "/./../secret", "/sub/dir/../../../secret", "/%c0%ae%c0%ae/secret",
            "/..%00/secret", "/small.txt%00.html", "/.hidden", "/%2ehidden", "/.git/config", "*", "", "secret",
            "/small.txt\u{0}", "/..;/secret", "/%uff0e%uff0e/secret", "/..%c1%9csecret", "/....//secret",
        ]
        for target in targets {
            let answer = fixture.get(target)
            #expect(answer.status == 400 || answer.status == 404, "\(target)")
            #expect(!answer.text.contains("secret") && !answer.text.contains("hidden"), "\(target)")
        }
    }

    @Test func linksAreNotFollowed() throws {
        #expect(symlink("small.txt", fixture.path("link")) == 0)
        #expect(symlink("sub", fixture.path("folder-link")) == 0)
        #expect(symlink("/etc", fixture.path("etc")) == 0)
        #expect(symlink("loop", fixture.path("loop")) == 0)
        for target in ["/link", "/folder-link/dir/data.bin", "/etc/passwd", "/loop", "/loop/x"] {
            #expect(fixture.get(target).status == 404)
        }
    }

    @Test func fileThatBecomesALinkIsNotServedAnyMore() throws {
        #expect(fixture.get("/small.txt").status == 200)
        #expect(rename(fixture.path("small.txt"), fixture.path("moved")) == 0)
        #expect(symlink("moved", fixture.path("small.txt")) == 0)
        ClockedFolder.clock.advance()
        #expect(fixture.get("/small.txt").status == 404)
    }

    @Test(.timeLimit(.minutes(1))) func pipesAndSocketsAreNotOpened() {
        #expect(mkfifo(fixture.path("pipe"), 0o644) == 0)
        #expect(fixture.get("/pipe").status == 404)
    }

    // MARK: Conditions

    @Test(arguments: ["/small.txt", "/sub/dir/data.bin", "/empty"])
    func notModifiedKeepsTheFieldsAndTellsTheLength(_ target: String) throws {
        let first = fixture.get(target)
        let tag = try #require(first["ETag"])
        let date = try #require(first["Last-Modified"])
        for headers in [("If-None-Match", tag), ("if-none-match", "W/\(tag)"), ("If-Modified-Since", date)] {
            let answer = fixture.get(target, headers)
            #expect(answer.status == 304)
            #expect(answer["ETag"] == tag)
            #expect(answer["Last-Modified"] == date)
            #expect(answer["Cache-Control"] == "no-cache")
            #expect(answer["Content-Length"] == first["Content-Length"])
        }
        #expect(fixture.get(target, ("If-None-Match", "\"other\""), ("If-Modified-Since", date)).status == 200)
    }

    @Test func linesOfOneListAreOneList() throws {
        let tag = try #require(fixture.get("/small.txt")["ETag"])
        #expect(fixture.get("/small.txt", ("If-None-Match", "\"x\""), ("If-None-Match", tag)).status == 304)
    }

    @Test func failedPreconditionIs412() throws {
        let tag = try #require(fixture.get("/small.txt")["ETag"])
        #expect(fixture.get("/small.txt", ("If-Match", tag)).status == 200)
        let answer = fixture.get("/small.txt", ("If-Match", "\"other\""))
        #expect(answer.status == 412)
        #expect(fixture.get("/small.txt", ("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:37 GMT")).status == 412)
    }

    @Test func conditionsHoldForAFileNotYetLookedAt() throws {
        let tag = try #require(fixture.get("/small.txt")["ETag"])
        ClockedFolder.clock.advance()
        #expect(fixture.get("/small.txt", ("If-None-Match", tag)).status == 304)
    }

    // MARK: Ranges

    @Test(arguments: ["/small.txt", "/sub/dir/data.bin"])
    func singleRangeIsServedInOnePart(_ target: String) throws {
        let whole = fixture.get(target).body
        for (range, part) in [
            ("0-0", 0..<1), ("5-9", 5..<10), ("-3", whole.count - 3..<whole.count), ("7-", 7..<whole.count),
            ("10-99999999", 10..<whole.count), ("0-", 0..<whole.count), ("999999-,0-1", 0..<2),
        ] {
            let answer = fixture.get(target, ("Range", "bytes=\(range)"))
            #expect(answer.status == 206)
            #expect(answer["Content-Range"] == "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(whole.count)")
            #expect(answer.body == Array(whole[part]))
            #expect(answer["ETag"] != nil && answer["Last-Modified"] != nil && answer["Cache-Control"] != nil)
            #expect(answer["Content-Type"]?.hasPrefix("multipart") == false)
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["/small.txt", "/sub/dir/data.bin"])
    func severalRangesAreServedInParts(_ target: String) async throws {
        let whole = fixture.get(target).body
        let number = fixture.host.send(
            FakeRequest(target, headers: [("Range", "bytes=0-4, -2 , 10-15")]), to: "updates")
        try await fixture.finish(number)
        let answer = fixture.host.answer(number)
        #expect(answer.status == 206)
        #expect(answer["Content-Range"] == nil)
        let parts = try Multipart(answer)
        #expect(parts.ranges == [0..<5, whole.count - 2..<whole.count, 10..<16])
        #expect(parts.bodies == parts.ranges.map { Array(whole[$0]) })
        #expect(parts.sizes == [whole.count, whole.count, whole.count])
    }

    /// Random ranges, of a file in memory and of an open one, put together again as a client does.
    @Test(.timeLimit(.minutes(1)), arguments: ["/small.txt", "/sub/dir/data.bin"])
    func anyRangesAreServedAsTheyWereAskedFor(_ target: String) async throws {
        let whole = fixture.get(target).body
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<60 {
            let cuts = (0..<8).map { _ in Int.random(in: 0..<whole.count, using: &generator) }.sorted()
            var ranges = stride(from: 0, to: 8, by: 2).map { cuts[$0]..<cuts[$0 + 1] + 1 }
            ranges.shuffle(using: &generator)
            let value = ranges.map { "\($0.lowerBound)-\($0.upperBound - 1)" }.joined(separator: ",")
            let number = fixture.host.send(
                FakeRequest(target, headers: [("Range", "bytes=\(value)")]), to: "updates")
            try await fixture.finish(number)
            let answer = fixture.host.answer(number)
            if answer.status == 200 {  // more than two overlaps
                #expect(answer.body == whole)
                continue
            }
            let parts = try Multipart(answer)
            #expect(parts.ranges == ranges)
            #expect(parts.bodies == ranges.map { Array(whole[$0]) })
        }
    }

    @Test func unsatisfiableRangeIs416WithTheLength() {
        for range in ["bytes=20-", "bytes=-0", "bytes=1000-2000,3000-"] {
            let answer = fixture.get("/small.txt", ("Range", range))
            #expect(answer.status == 416)
            #expect(answer["Content-Range"] == "bytes */20")
        }
        #expect(fixture.get("/empty", ("Range", "bytes=0-0"))["Content-Range"] == "bytes */0")
    }

    @Test func rangeThatMakesNoSenseOrIsForHEADIsIgnored() {
        for range in ["bytes=b-a", "pages=1-2", "bytes=5-2", "bytes=0-,0-,0-,0-"] {
            #expect(fixture.get("/small.txt", ("Range", range)).status == 200)
        }
        #expect(fixture.get("/small.txt", ("Range", "bytes=0-1"), ("Range", "bytes=2-3")).status == 200)
        #expect(fixture.send("HEAD", "/small.txt", ("Range", "bytes=0-1")).status == 200)
        #expect(fixture.get("/empty", ("Range", "bytes=-5")).status == 200)
    }

    @Test func ifRangeResumesTheSameFileOnly() throws {
        let first = fixture.get("/small.txt")
        let tag = try #require(first["ETag"])
        let range = ("Range", "bytes=5-")
        #expect(fixture.get("/small.txt", range, ("If-Range", tag)).status == 206)
        let date = try #require(first["Last-Modified"])
        #expect(fixture.get("/small.txt", range, ("If-Range", date)).status == 206)
        #expect(fixture.get("/small.txt", range, ("If-Range", "W/\(tag)")).status == 200)
        try fixture.replace("small.txt", "Hello, work station.\n")
        ClockedFolder.clock.advance()
        let second = fixture.get("/small.txt", range, ("If-Range", tag))
        #expect(second.status == 200)
        #expect(second.text == "Hello, work station.\n")
    }

    @Test(.timeLimit(.minutes(1))) func clientThatLeavesDuringManyPartsLeavesNothingBehind() async throws {
        try fixture.write("leaving.bin", big)
        for _ in 0..<20 {
            let number = fixture.host.send(
                FakeRequest("/leaving.bin", headers: [("Range", "bytes=0-70000,80000-150000")]), to: "updates")
            fixture.host.limitRoom(number, to: 1)
            fixture.host.runWork()
            fixture.host.abort(number)
            fixture.host.runWork()
        }
        await fixture.host.stopOnControlThread()
        #expect(!fixture.host.logLines.contains { $0.level >= MUSTER_LOG_ERROR })
        fixture.host.destroy()
        #expect(fixture.openDescriptors == 0)
    }

    @Test(.timeLimit(.minutes(1))) func fileThatShrinksWhileItIsSentBreaksTheConnection() async throws {
        let number = fixture.host.send(
            FakeRequest("/sub/dir/data.bin", headers: [("Range", "bytes=0-9,150000-199999")]), to: "updates")
        try await fixture.eventually {
            fixture.host.runOneWork()
            return fixture.host.answer(number).status == 206
        }
        fixture.host.limitRoom(number, to: 0)
        #expect(truncate(fixture.path("sub/dir/data.bin"), 100) == 0)
        try await fixture.eventually {
            fixture.host.runWork()
            fixture.host.makeRoom(number, for: 1)
            let answer = fixture.host.answer(number)
            return answer.isAborted || answer.isEnded
        }
        #expect(fixture.host.answer(number).isAborted)
    }
}

extension Fixture {
    /// Runs the work of an exchange until it is over.
    func finish(_ number: UInt64) async throws {
        try await eventually {
            self.host.runWork()
            let answer = self.host.answer(number)
            return answer.isEnded || answer.isAborted
        }
    }

    /// Yields until `condition` holds; fails after some seconds.
    func eventually(_ condition: () -> Bool) async throws {
        let start = ContinuousClock.now
        while !condition() {
            try #require(ContinuousClock.now - start < .seconds(20), "what was waited for did not come")
            await Task.yield()
        }
    }
}

/// A multipart/byteranges body, taken apart as a client would.
struct Multipart {
    var ranges: [Range<Int>] = []
    var sizes: [Int] = []
    var bodies: [[UInt8]] = []

    init(_ answer: FakeAnswer) throws {
        let type = try #require(answer["Content-Type"])
        try #require(type.hasPrefix("multipart/byteranges; boundary="))
        let boundary = String(type.dropFirst("multipart/byteranges; boundary=".count))
        try #require((1...70).contains(boundary.utf8.count))
        #expect(answer["Content-Length"] == nil || answer["Content-Length"] == "\(answer.body.count)")
        #expect(answer.promisedLength == nil || answer.promisedLength == UInt64(answer.body.count))
        var rest = answer.body[...]
        var isFirst = true
        while true {
            let line = Array(((isFirst ? "" : "\r\n") + "--\(boundary)").utf8)
            try #require(rest.starts(with: line))
            rest = rest.dropFirst(line.count)
            if rest.starts(with: Array("--\r\n".utf8)) {
                #expect(rest.count == 4)
                return
            }
            isFirst = false
            let head = try Self.takeHead(&rest)
            let value = try #require(head.first { $0.hasPrefix("Content-Range: bytes ") })
            let numbers = value.dropFirst("Content-Range: bytes ".count).split { "-/".contains($0) }.compactMap {
                Int($0)
            }
            try #require(numbers.count == 3)
            let range = numbers[0]..<numbers[1] + 1
            ranges.append(range)
            sizes.append(numbers[2])
            bodies.append(Array(rest.prefix(range.count)))
            rest = rest.dropFirst(range.count)
        }
    }

    private static func takeHead(_ rest: inout ArraySlice<UInt8>) throws -> [String] {
        let blank = Array("\r\n\r\n".utf8)
        var end = rest.startIndex
        while end < rest.endIndex, !rest[end...].starts(with: blank) { end += 1 }
        try #require(end < rest.endIndex)
        let head = String(decoding: rest[..<end], as: UTF8.self)
        rest = rest[(end + blank.count)...]
        return head.split(separator: "\r\n").map(String.init)
    }
}
