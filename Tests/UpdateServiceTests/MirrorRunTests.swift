import Files
import FoundationEssentials
import Glibc
import Locks
import Testing

@testable import UpdateService
@testable import UpdateTrust

/// A mirror of a test's publisher, in a folder of its own.
final class TestMirror {
    let publisher: TestPublisher
    let transport: FolderTransport
    let folder: String

    init() throws {
        publisher = try TestPublisher()
        transport = FolderTransport(publisher.repository)
        folder = "\(publisher.folder)/mirror"
    }

    var repository: String { "\(folder)/repository" }

    func run(
        filter: [String] = [], grace: Duration = .seconds(100), step: (@Sendable (String) throws -> Void)? = nil,
        isVerified: Bool = false, now: MetadataTime = .now()
    ) -> MirrorRun {
        MirrorRun(
            upstream: Upstream(
                url: "https://vendor.example/", rootPath: publisher.rootPath,
                cache: MetadataCache(folder: "\(folder)/trust"), transport: transport, filter: TargetFilter(filter)),
            folder: RepositoryFolder(repository, step: step), grace: grace, clock: { now }, isVerified: isVerified)
    }

    /// What a client finds that begins with the publisher's first root: the contents of all targets.
    func read(_ paths: [String]) async throws -> (snapshot: Int64, contents: [String: String]) {
        let client = "\(publisher.folder)/client-\(UUID().uuidString)"
        let cache = MetadataCache(folder: client)
        try UpdateClient.begin(cache, with: try DurableFiles.read(publisher.rootPath, upTo: 1 << 20))
        let transport = FolderTransport(repository)
        let updates = UpdateClient(cache: cache, metadataURL: "https://vendor.example/metadata", transport)
        var trusted = try await updates.refresh().metadata
        var contents: [String: String] = [:]
        for path in paths {
            guard let target = try await updates.find(path, in: &trusted) else { continue }
            try await TargetDownload(
                target, baseURL: "https://vendor.example/targets", consistentSnapshot: true,
                partialFolder: "\(client)/partial"
            ).run(to: "\(client)/file", transport)
            contents[path] = String(decoding: try DurableFiles.read("\(client)/file", upTo: 1 << 20), as: UTF8.self)
        }
        return (trusted.snapshot?.role.version ?? 0, contents)
    }
}

@Suite struct MirrorRunTests {
    private static let first = ["definitions/a": "one", "definitions/b": "same", "extra/c": "delegated"]
    private static let second = ["definitions/a": "two", "definitions/b": "same", "extra/c": "delegated again"]

    @Test func everythingOfTheUpstreamIsThereForAClientThatVerifies() async throws {
        let mirror = try TestMirror()
        try mirror.publisher.publish(Self.first)
        let outcome = try await mirror.run().run()
        #expect(outcome?.isNew == true && outcome?.snapshot == 1 && outcome?.targetCount == 3)
        let found = try await mirror.read(Array(Self.first.keys))
        #expect(found.snapshot == 1 && found.contents == Self.first)
    }

    @Test func unchangedTimestampTakesTwoRequestsAndWritesNothing() async throws {
        let mirror = try TestMirror()
        try mirror.publisher.publish(Self.first)
        _ = try await mirror.run().run()
        mirror.transport.asked.withLock { $0 = [] }
        let outcome = try await mirror.run(step: { throw MirrorTrouble("test", $0) }, isVerified: true).run()
        #expect(outcome == nil)
        #expect(mirror.transport.asked.withLock { $0 } == ["/metadata/2.root.json", "/metadata/timestamp.json"])
    }

    @Test func onlyWhatIsNewIsFetched() async throws {
        let mirror = try TestMirror()
        try mirror.publisher.publish(Self.first)
        _ = try await mirror.run().run()
        try mirror.publisher.publish(Self.second)
        mirror.transport.asked.withLock { $0 = [] }
        let outcome = try await mirror.run().run()
        #expect(outcome?.snapshot == 2 && outcome?.fetchedBytes == 18)
        let targets = mirror.transport.asked.withLock { $0.filter { $0.hasPrefix("/targets/") } }
        #expect(targets.count == 2)
        let found = try await mirror.read(Array(Self.second.keys))
        #expect(found.contents == Self.second)
    }

    @Test func aRunThatEndsAtAnyStepLeavesTheOldOrTheNewSnapshotAndTheNextGoesOn() async throws {
        struct Crash: Error {}
        let mirror = try TestMirror()
        try mirror.publisher.publish(Self.first)
        _ = try await mirror.run().run()
        try mirror.publisher.publishRoot()
        try mirror.publisher.publish(Self.second)
        var (steps, crashes) = (0, 0)
        while steps < 100 {
            let left = Locked(steps)
            do {
                _ = try await mirror.run(
                    step: { _ in
                        let isOver = left.withLock { left -> Bool in
                            left -= 1
                            return left < 0
                        }
                        if isOver { throw Crash() }
                    }
                ).run()
            } catch {
                crashes += 1
                let found = try await mirror.read(Array(Self.first.keys))
                #expect(
                    found.snapshot == 1 && found.contents == Self.first
                        || found.snapshot == 2 && found.contents == Self.second)
                // From the beginning again, one step further: what is there already takes no step.
                steps = 1
                continue
            }
            break
        }
        #expect(crashes > 5)
        let found = try await mirror.read(Array(Self.second.keys))
        #expect(found.snapshot == 2 && found.contents == Self.second)
        #expect(try DurableFiles.read("\(mirror.repository)/metadata/2.root.json", upTo: 1 << 20).count > 0)
    }

    @Test func timestampIsTheLastThatIsWritten() async throws {
        let mirror = try TestMirror()
        try mirror.publisher.publish(Self.first)
        let steps = Locked<[String]>([])
        _ = try await mirror.run(step: { step in steps.withLock { $0.append(step) } }).run()
        let written = steps.withLock { $0.filter { $0.hasPrefix("write metadata/") } }
        #expect(
            written == [
                "write metadata/1.root.json", "write metadata/1.extra.json", "write metadata/1.targets.json",
                "write metadata/1.snapshot.json", "write metadata/timestamp.json",
            ])
        #expect(steps.withLock { $0.prefix(3).allSatisfy { $0.hasPrefix("fetch targets/") } })
    }

    @Test func rootsAreCompleteForAClientThatTrustsTheFirst() async throws {
        let mirror = try TestMirror()
        for _ in 0..<4 { try mirror.publisher.publishRoot() }
        try mirror.publisher.publish(Self.first)
        _ = try await mirror.run().run()
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(mirror.repository)/metadata")
        #expect(Set(names.filter { $0.hasSuffix(".root.json") }) == Set((1...5).map { "\($0).root.json" }))
        #expect(try await mirror.read(["extra/c"]).contents == ["extra/c": "delegated"])
    }

    @Test func onlyWantedTargetsAreFetched() async throws {
        let mirror = try TestMirror()
        try mirror.publisher.publish(Self.first)
        let outcome = try await mirror.run(filter: ["definitions/a", "extra/"]).run()
        #expect(outcome?.targetCount == 2)
        #expect(try await mirror.read(["definitions/a", "extra/c"]).contents.count == 2)
        #expect(TargetFilter(["definitions/*"]).wants("definitions/a"))
        #expect(!TargetFilter(["definitions/*"]).wants("definitions/a/b"))
    }

    @Test func oldFilesGoAfterTheirGraceAndNotBefore() async throws {
        let mirror = try TestMirror()
        let start = MetadataTime.now()
        try mirror.publisher.publish(Self.first)
        _ = try await mirror.run(now: start).run()
        let old = try #require(FileHashes.sha256(of: Array("one".utf8)))
        let path = "\(mirror.repository)/targets/definitions/\(old).a"
        try mirror.publisher.publish(Self.second)
        func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
        _ = try await mirror.run(now: MetadataTime(seconds: start.seconds + 10)).run()
        #expect(exists(path) && exists("\(mirror.repository)/metadata/1.snapshot.json"))
        _ = try await mirror.run(now: MetadataTime(seconds: start.seconds + 109)).run()
        #expect(exists(path))
        _ = try await mirror.run(now: MetadataTime(seconds: start.seconds + 110)).run()
        #expect(!exists(path) && !exists("\(mirror.repository)/metadata/1.snapshot.json"))
        #expect(exists("\(mirror.repository)/metadata/1.root.json"))
        #expect(try await mirror.read(Array(Self.second.keys)).contents == Self.second)
    }

    @Test(arguments: [
        (TransportFailure(status: 404, of: "u"), "missing"), (TransportFailure(status: 403, of: "u"), "forbidden"),
        (TransportFailure(status: 429, of: "u", retryAfter: .seconds(7)), "busy"),
        (TransportFailure(status: 500, of: "u"), "status"), (TransportFailure(status: 302, of: "u"), "redirect"),
        (TransportFailure(.unreachable, "nobody listens"), "unreachable"),
        (TransportFailure(.timeout, "no byte came"), "timeout"),
        (TransportFailure(.certificate, "it is of another name"), "certificate"),
    ])
    func eachFailureOfTheUpstreamHasItsWordAndTheLastSnapshotStays(
        _ failure: TransportFailure, _ word: String
    ) async throws {
        let mirror = try TestMirror()
        try mirror.publisher.publish(Self.first)
        _ = try await mirror.run().run()
        try mirror.publisher.publish(Self.second)
        mirror.transport.failure.withLock { $0 = { $0.hasSuffix("timestamp.json") ? failure : nil } }
        await #expect {
            _ = try await mirror.run().run()
        } throws: { error in
            guard let trouble = error as? MirrorTrouble else { return false }
            return trouble.cause == word && trouble.role == "timestamp" && trouble.retryAfter == failure.retryAfter
        }
        let found = try await mirror.read(Array(Self.first.keys))
        #expect(found.snapshot == 1 && found.contents == Self.first)
    }

    @Test func forgedTargetIsNotPublished() async throws {
        let mirror = try TestMirror()
        try mirror.publisher.publish(Self.first)
        mirror.transport.answer.withLock { $0 = { $0.hasSuffix(".a") ? Array("ONE".utf8) : nil } }
        await #expect {
            _ = try await mirror.run().run()
        } throws: { ($0 as? MirrorTrouble)?.cause == "mismatch" }
        #expect(access("\(mirror.repository)/metadata/timestamp.json", F_OK) != 0)
        let names = try FileManager.default.contentsOfDirectory(atPath: "\(mirror.repository)/targets/definitions")
        #expect(!names.contains { $0.hasSuffix(".a") })
    }

    @Test func expiredMetadataAndGarbageAreRefused() async throws {
        let mirror = try TestMirror()
        try mirror.publisher.publish(Self.first)
        _ = try await mirror.run().run()
        try mirror.publisher.publish(Self.second, expires: MetadataTime(seconds: MetadataTime.now().seconds - 1))
        await #expect {
            _ = try await mirror.run().run()
        } throws: { ($0 as? MirrorTrouble)?.cause == "expired" }
        mirror.transport.answer.withLock { $0 = { _ in Array("{]".utf8) } }
        await #expect {
            _ = try await mirror.run().run()
        } throws: { ($0 as? MirrorTrouble)?.cause == "malformed" }
        #expect(try await mirror.read(["definitions/a"]).contents == ["definitions/a": "one"])
    }

    @Test func upstreamWithoutConsistentSnapshotsIsRefused() async throws {
        let mirror = try TestMirror()
        mirror.publisher.consistent = false
        try mirror.publisher.publishRoot()
        try mirror.publisher.publish(Self.first)
        for name in ["targets", "snapshot", "extra"] {
            try FileManager.default.copyItem(
                atPath: "\(mirror.publisher.repository)/metadata/1.\(name).json",
                toPath: "\(mirror.publisher.repository)/metadata/\(name).json")
        }
        await #expect {
            _ = try await mirror.run().run()
        } throws: { ($0 as? MirrorTrouble)?.cause == "inconsistent" }
    }

    @Test func aSecondProcessIsToldWhoHasTheRepository() async throws {
        let mirror = try TestMirror()
        try mirror.publisher.publish(Self.first)
        try RepositoryFolder(mirror.repository).prepare()
        let lock = try RepositoryFolder(mirror.repository).lock()
        await #expect {
            _ = try await mirror.run().run()
        } throws: { error in
            let trouble = error as? MirrorTrouble
            return trouble?.cause == "locked" && trouble?.sentence.contains("process \(getpid())") == true
        }
        lock.release()
        #expect(try await mirror.run().run()?.snapshot == 1)
    }

    @Test func aFullDiskIsSaidSoAndTheOldSnapshotStays() async throws {
        let mirror = try TestMirror()
        try mirror.publisher.publish(Self.first)
        _ = try await mirror.run().run()
        try mirror.publisher.publish(Self.second)
        for place in ["fetch ", "write metadata/2.snapshot", "write metadata/timestamp"] {
            await #expect {
                _ = try await mirror.run(step: {
                    if $0.hasPrefix(place) { throw FileFailure(ENOSPC, doing: $0) }
                }).run()
            } throws: { ($0 as? MirrorTrouble)?.cause == "disk_full" }
            #expect(try await mirror.read(Array(Self.first.keys)).contents == Self.first)
        }
        #expect(try await mirror.run().run()?.snapshot == 2)
    }
}

@Suite struct ScheduleTests {
    @Test func waitsDoubleUpToTheInterval() {
        var schedule = Schedule(interval: .seconds(3600), jitter: .seconds(300))
        let waits = (0..<9).map { _ in schedule.next(after: .failed(retryAfter: nil), chance: 1) }
        #expect(waits.prefix(6) == [60, 120, 240, 480, 960, 1920].map { Duration.seconds($0) }[...])
        #expect(waits.suffix(3).allSatisfy { $0 == .seconds(3600) })
        let after = schedule.next(after: .succeeded, chance: 0.5)
        #expect(after == .seconds(3750) && schedule.failures == 0)
    }

    @Test func theUpstreamIsNotAskedSoonerThanItWants() {
        var schedule = Schedule(interval: .seconds(3600), jitter: .zero)
        let wait = schedule.next(after: .failed(retryAfter: .seconds(900)), chance: 0)
        #expect(wait == .seconds(900))
        let long = schedule.next(after: .failed(retryAfter: .seconds(10_000_000)), chance: 0)
        #expect(long == Schedule.longestRetryAfter)
    }

    @Test func aLockIsWaitedForAndIsNoFailure() {
        var schedule = Schedule(interval: .seconds(3600), jitter: .zero)
        let wait = schedule.next(after: .locked, chance: 0)
        #expect(wait == .seconds(5) && schedule.failures == 0)
    }
}
