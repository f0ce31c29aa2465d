import Glibc
import MusterABI
import PluginTesting
import Testing

@testable import FileServing

@Suite(.serialized) struct FolderServerCacheTests {
    @Test func freshFileIsAnsweredOnTheLoop() throws {
        let fixture = try Fixture()
        try fixture.write("a", "1")
        #expect(fixture.get("/a").text == "1")
        let number = fixture.host.send(FakeRequest("/a?query"), to: "updates")
        #expect(fixture.host.answer(number).text == "1")
        #expect(fixture.host.waitingWork == 0)
    }

    @Test func changeIsNoticedAfterASecondAndNotBefore() throws {
        let fixture = try Fixture()
        try fixture.write("a", "1")
        let first = fixture.get("/a")
        try fixture.replace("a", "2")
        #expect(fixture.get("/a").text == "1")
        ClockedFolder.clock.advance()
        let second = fixture.get("/a")
        #expect(second.text == "2")
        #expect(second["ETag"] != first["ETag"])
    }

    @Test func unchangedFileKeepsItsTag() throws {
        let fixture = try Fixture()
        try fixture.write("a", "1")
        try fixture.write("b", [UInt8](repeating: 7, count: 100_000))
        for target in ["/a", "/b"] {
            let first = fixture.get(target)
            ClockedFolder.clock.advance()
            #expect(fixture.get(target)["ETag"] == first["ETag"])
        }
    }

    @Test func deletedFileIsNotFoundAndANewOneIsFound() throws {
        let fixture = try Fixture()
        try fixture.write("a", "1")
        #expect(fixture.get("/a").status == 200)
        #expect(fixture.get("/b").status == 404)
        #expect(unlink(fixture.path("a")) == 0)
        try fixture.write("b", "2")
        ClockedFolder.clock.advance()
        #expect(fixture.get("/a").status == 404)
        #expect(fixture.get("/b").status == 200)
    }

    @Test func missingFileIsLookedForOnceASecond() throws {
        let fixture = try Fixture()
        #expect(fixture.get("/2.root.json").status == 404)
        // Nobody does any work: it is known.
        let number = fixture.host.send(FakeRequest("/2.root.json"), to: "updates")
        #expect(fixture.host.waitingWork == 0)
        #expect(fixture.host.answer(number).status == 404)
        try fixture.write("2.root.json", "2")
        #expect(fixture.get("/2.root.json").status == 404)
        ClockedFolder.clock.advance()
        #expect(fixture.get("/2.root.json").status == 200)
    }

    /// A client asks for the snapshot that a new timestamp names, and somebody asked for that before it was there.
    @Test func whoHasReadANewFileFindsWhatCameBeforeIt() throws {
        let fixture = try Fixture()
        try fixture.write("timestamp.json", "1")
        #expect(fixture.get("/timestamp.json").text == "1")
        #expect(fixture.get("/2.snapshot.json").status == 404)
        ClockedFolder.clock.advance()
        #expect(fixture.get("/2.snapshot.json").status == 404)
        try fixture.write("2.snapshot.json", "2")
        try fixture.replace("timestamp.json", "2")
        #expect(fixture.get("/timestamp.json").text == "2")
        #expect(fixture.get("/2.snapshot.json").text == "2")
    }

    @Test func lookThatBeganBeforeANewFileWasReadIsNotRemembered() {
        let missing = MissingPaths()
        let epoch = missing.epoch
        missing.forget()
        missing.add([1], at: 0, since: epoch)
        #expect(!missing.contains([1], at: 0))
        missing.add([1], at: 0, since: missing.epoch)
        #expect(missing.contains([1], at: 999_999_999) && !missing.contains([1], at: 1_000_000_000))
    }

    @Test func manyMissingPathsTakeLittleMemory() {
        let missing = MissingPaths()
        for number in 0..<10_000 { missing.add(Array("\(number)".utf8), at: 0, since: missing.epoch) }
        #expect((0..<10_000).count { missing.contains(Array("\($0)".utf8), at: 0) } <= MissingPaths.capacity)
        missing.add([UInt8](repeating: 1, count: 300), at: 0, since: missing.epoch)
        #expect(!missing.contains([UInt8](repeating: 1, count: 300), at: 0))
    }

    @Test func writingInPlaceOrGrowingIsNoticed() throws {
        let fixture = try Fixture()
        try fixture.write("a", "1")
        let first = fixture.get("/a")
        try fixture.write("a", "23")
        ClockedFolder.clock.advance()
        #expect(fixture.get("/a").text == "23")
        #expect(fixture.get("/a")["ETag"] != first["ETag"])
    }

    @Test func dateThatWasSetBackDoesNotHideAChange() throws {
        let fixture = try Fixture()
        func age() {
            let times = [timespec(tv_sec: 784_111_777, tv_nsec: 0), timespec(tv_sec: 784_111_777, tv_nsec: 0)]
            #expect(utimensat(AT_FDCWD, fixture.path("a"), times, 0) == 0)
        }
        try fixture.write("a", "1")
        age()
        let first = fixture.get("/a")
        #expect(first["Last-Modified"] == "Sun, 06 Nov 1994 08:49:37 GMT")
        try fixture.replace("a", "2")
        age()
        ClockedFolder.clock.advance()
        let second = fixture.get("/a")
        #expect(second["Last-Modified"] == first["Last-Modified"])
        #expect(second["ETag"] != first["ETag"])
        #expect(second.text == "2")
    }

    @Test func fileThatMayYetChangeUnseenIsReadAgainWithAnotherTag() throws {
        let fixture = try Fixture()
        try fixture.write("a", "1")
        try TestClock.$filesAreYoung.withValue(true) {
            let first = fixture.get("/a")
            #expect(fixture.get("/a")["ETag"] == first["ETag"])
            ClockedFolder.clock.advance()
            let second = fixture.get("/a")
            #expect(second["ETag"] != first["ETag"])
            // A strong tag all the same: it names this one reading.
            let tag = try #require(second["ETag"])
            #expect(fixture.get("/a", ("If-Match", tag)).status == 200)
        }
        ClockedFolder.clock.advance()
        let settled = fixture.get("/a")
        ClockedFolder.clock.advance()
        #expect(fixture.get("/a")["ETag"] == settled["ETag"])
    }

    @Test func rootThatIsReplacedAsAWholeIsNoticed() throws {
        let fixture = try Fixture()
        try fixture.write("a", "1")
        #expect(fixture.get("/a").text == "1")
        #expect(rename(fixture.root + "/served", fixture.root + "/old") == 0)
        ClockedFolder.clock.advance()
        #expect(fixture.get("/a").status == 404)
        mkdir(fixture.root + "/other", 0o755)
        #expect(symlink("other", fixture.root + "/served") == 0)
        try fixture.write("a", "2")
        ClockedFolder.clock.advance()
        #expect(fixture.get("/a").text == "2")
    }

    @Test func manyWhoAskAtOnceCauseOneLook() throws {
        let fixture = try Fixture()
        try fixture.write("a", "1")
        let numbers = (0..<50).map { _ in fixture.host.send(FakeRequest("/a"), to: "updates") }
        #expect(fixture.host.waitingWork == 1)
        fixture.host.runWork()
        #expect(numbers.allSatisfy { fixture.host.answer($0).text == "1" })
    }

    @Test func fullPoolIs503WithRetryAfter() throws {
        let fixture = try Fixture()
        try fixture.write("a", "1")
        fixture.host.limitWork(to: 0)
        let answer = fixture.get("/a")
        #expect(answer.status == 503)
        #expect(answer["Retry-After"] == "1")
        fixture.host.limitWork(to: 10)
        #expect(fixture.get("/a").status == 200)
    }

    @Test func cancelledLookIs503() throws {
        let fixture = try Fixture()
        let number = fixture.host.send(FakeRequest("/a"), to: "updates")
        fixture.host.cancelWork()
        #expect(fixture.host.answer(number).status == 503)
    }

    @Test func openFilesStayWithinTheLimitAndAreClosedAtTheEnd() throws {
        let root: String
        do {
            let fixture = try Fixture(["cache.open_files": .integer(64)])
            root = fixture.root
            let content = [UInt8](repeating: 1, count: 66_000)
            for index in 0..<150 {
                try fixture.write("big\(index)", content)
                #expect(fixture.get("/big\(index)").body.count == content.count)
                #expect(fixture.openDescriptors <= 64)
            }
            #expect(fixture.openDescriptors > 32)
            #expect(fixture.get("/big0").body == content)
            #expect(fixture.openDescriptors <= 64)
        }
        #expect(Fixture.openDescriptors(below: root) == 0)
    }

    @Test func memoryStaysWithinTheLimit() throws {
        let cache = RepresentationCache(openFiles: 64, memory: 8 << 20)
        let paths = (0..<200).map { TargetPath.FilePath(names: ["f\($0)"]) }
        for path in paths {
            let state = FileState(device: 1, inode: 1, size: 100_000, modified: 0, changed: 0)
            let file = Representation(
                path: path.bytes, name: path.names[0], state: state,
                content: .bytes([UInt8](repeating: 0, count: 100_000)), tag: EntityTag(opaque: "x"), cacheControl: "",
                isAmbiguous: false, notModifiedBefore: 0, seen: (steady: 0, wall: 0))
            #expect(cache.finish(path.bytes, with: file).isEmpty)
        }
        let kept = paths.filter { cache.known($0.bytes) != nil }.count
        #expect((40...83).contains(kept))
    }

    @Test func fileThatMayNotBeReadIs403AndLoggedOnce() throws {
        let fixture = try Fixture()
        try fixture.write("secret", "x")
        #expect(chmod(fixture.path("secret"), 0) == 0)
        #expect(chmod(fixture.root, 0o755) == 0)
        // root may read all the same, unless the process gives that up.
        try withoutOverride {
            for _ in 0..<3 {
                #expect(fixture.get("/secret").status == 403)
                ClockedFolder.clock.advance()
            }
        }
        #expect(fixture.host.logLines.filter { $0.fields["file"] == "/secret" }.count == 1)
    }

    @Test func processWithoutDescriptorsAnswers503ClosesSomeAndRecovers() throws {
        let fixture = try Fixture()
        for index in 0..<20 {
            try fixture.write("big\(index)", [UInt8](repeating: 1, count: 70_000))
            #expect(fixture.get("/big\(index)").status == 200)
        }
        try fixture.write("scarce", "1")
        let open = fixture.openDescriptors
        ClockedFolder.failures.withLock { $0["scarce"] = EMFILE }
        let answer = fixture.get("/scarce")
        #expect(answer.status == 503)
        #expect(answer["Retry-After"] == "1")
        #expect(fixture.openDescriptors <= (open + 8) / 2)
        ClockedFolder.failures.withLock { $0["scarce"] = nil }
        #expect(fixture.get("/scarce").status == 200)
        #expect(fixture.host.logLines.contains { $0.message.contains("cache.open_files") })
    }

    @Test(arguments: [(EIO, 500), (ENFILE, 503), (ELOOP, 404), (EACCES, 403), (ENAMETOOLONG, 404)])
    func systemErrorsHaveTheirAnswers(_ code: CInt, _ status: Int) throws {
        let fixture = try Fixture()
        try fixture.write("failing", "1")
        ClockedFolder.failures.withLock { $0["failing"] = code }
        defer { ClockedFolder.failures.withLock { $0["failing"] = nil } }
        #expect(fixture.get("/failing").status == UInt32(status))
        #expect(fixture.get("/failing").status == UInt32(status))
        #expect(fixture.host.logLines.count == (status == 404 ? 0 : 1))
    }

    /// Runs `body` as a user for whom permissions count.
    private func withoutOverride(_ body: () throws -> Void) throws {
        guard geteuid() == 0 else { return try body() }
        // Of this thread alone, as file servers do it: setfsuid(2), which is in no module.
        let symbol = try #require(dlsym(nil, "setfsuid"))
        let setfsuid = unsafeBitCast(symbol, to: (@convention(c) (uid_t) -> CInt).self)
        _ = setfsuid(65534)
        defer { _ = setfsuid(0) }
        try body()
    }
}

@Suite(.serialized) struct FolderOptionsTests {
    @Test func missingFolderIsBlamedOnRoot() throws {
        let fixture = try Fixture(["repository": .path("/nonexistent/folder")], starts: false)
        try fixture.host.create()
        let failure = try #require(#expect(throws: FakeHost.Failure.self) { try fixture.host.prepare() })
        #expect(failure.status == MUSTER_CONFIGURATION)
        #expect(failure.option == "repository")
        #expect(failure.message.contains("No such file or directory"))
    }

    @Test func fileAsFolderIsBlamedOnRoot() throws {
        let fixture = try Fixture(["repository": .path("/etc/passwd")], starts: false)
        try fixture.host.create()
        #expect(throws: FakeHost.Failure.self) { try fixture.host.prepare() }
    }

    @Test(arguments: ["no-cache\r\nX: y", " no-cache", "ü"])
    func cacheControlThatIsNoFieldValueIsBlamed(_ value: String) throws {
        let fixture = try Fixture(["cache_control": .string(value)], starts: false)
        try fixture.host.create()
        let failure = #expect(throws: FakeHost.Failure.self) { try fixture.host.prepare() }
        #expect(failure?.option == "cache_control")
    }

    @Test func cacheControlIsTheOperators() throws {
        let fixture = try Fixture(["cache_control": .string("max-age=60")])
        try fixture.write("a", "1")
        #expect(fixture.get("/a")["Cache-Control"] == "max-age=60")
        let none = try Fixture(["cache_control": .string("")])
        try none.write("a", "1")
        #expect(none.get("/a")["Cache-Control"] == nil)
    }

    @Test func smallFileOfZeroKeepsAllOpen() throws {
        let fixture = try Fixture(["cache.small_file": .bytes(0)])
        try fixture.write("a", "1")
        #expect(fixture.get("/a").text == "1")
        #expect(fixture.get("/a", ("Range", "bytes=0-0")).status == 206)
    }

    @Test func manifestDeclaresThePortAndTheOptions() throws {
        let fixture = try Fixture(starts: false)
        let manifest = fixture.host.manifest.pointee
        let listener = try #require(
            UnsafeBufferPointer(start: manifest.listeners, count: manifest.listener_count).first ?? nil)
        #expect(String(listener.pointee.name) == "updates")
        #expect(listener.pointee.port == 50003)
        let options = UnsafeBufferPointer(start: manifest.options, count: manifest.option_count)
        #expect(
            options.map { $0.map { String($0.pointee.name) } } == [
                "repository", "cache_control", "cache.open_files", "cache.memory", "cache.small_file",
            ])
    }
}
