import Files
import Glibc
import Testing

@testable import UpdateTrust

/// What is published, as a client finds it.
@Suite struct RepositoryTests {
    @Test func aNewRepositoryIsWholeAndEmpty() async throws {
        let fixture = try RepositoryFixture()
        let metadata = try await fixture.client().refresh().metadata
        #expect(metadata.root.role.version == 1 && metadata.root.role.consistentSnapshot)
        #expect(metadata.targets["targets"]?.role.targets.isEmpty == true)
    }

    @Test func whatIsStagedIsThereAfterThePublicationAndNotBefore() async throws {
        let fixture = try RepositoryFixture()
        try fixture.repository.stage(file: try fixture.write([1, 2, 3], "a"), as: "files/a", custom: ["note": "x"])
        #expect(try await fixture.fetch("files/a") == nil)
        let publication = try fixture.repository.publish()
        #expect(publication.added == ["files/a"])
        #expect(try await fixture.fetch("files/a") == [1, 2, 3])
        try fixture.repository.stage(removing: ["files/a"])
        try fixture.repository.publish()
        #expect(try await fixture.fetch("files/a") == nil)
    }

    @Test func aReplacedFileHasADeltaFromEachOfTheLastVersions() async throws {
        let fixture = try RepositoryFixture()
        var content = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7 ^ $0 &* 31) }
        for version in 0..<3 {
            content[version * 1000] ^= 0xFF
            try fixture.repository.stage(file: try fixture.write(content, "a"), as: "files/a")
            try fixture.repository.publish()
        }
        let client = fixture.client()
        let targets = try #require(try await client.refresh().metadata.targets["targets"]?.role.targets)
        let deltas = targets.values.filter { $0.delta != nil }
        #expect(deltas.count == 2)
        #expect(deltas.allSatisfy { $0.delta?.to == targets["files/a"]?.hashes.sha256 && $0.length < 1000 })
    }

    /// A publication may end between the link to a patch's public name and the removal of the name it was made under: the
    /// next patch must not be written through that link.
    @Test func aPatchThatWasLeftBehindIsNotWrittenInto() throws {
        let fixture = try RepositoryFixture()
        var content = (0..<60_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 7 ^ $0 &* 31) }
        func publish() throws {
            content[Int.random(in: 0..<60_000)] ^= 0xFF
            try fixture.repository.stage(file: try fixture.write(content, "a"), as: "files/a")
            try fixture.repository.publish()
        }
        try publish()
        try publish()
        let deltas = "\(fixture.folder)/repository/targets/deltas/files/a"
        let name = try #require(DurableFiles.names(in: deltas).first)
        let before = try DurableFiles.read("\(deltas)/\(name)", upTo: 1 << 20)
        try DurableFiles.makeFolders("\(fixture.folder)/repository/.staged/files")
        #expect(link("\(deltas)/\(name)", "\(fixture.folder)/repository/.staged/files/delta") == 0)
        try publish()
        #expect(try DurableFiles.read("\(deltas)/\(name)", upTo: 1 << 20) == before)
    }

    @Test func aDamagedFileIsReplacedWhenItsContentIsPublishedAgain() async throws {
        let fixture = try RepositoryFixture()
        func publish(_ content: [UInt8]) throws {
            try fixture.repository.stage(file: try fixture.write(content, "a"), as: "files/a")
            try fixture.repository.publish()
        }
        try publish([1, 2, 3])
        try publish([4, 5, 6])
        let folder = "\(fixture.folder)/repository/targets/files"
        for name in DurableFiles.names(in: folder) { try DurableFiles.replace("\(folder)/\(name)", with: [9, 9, 9]) }
        try publish([1, 2, 3])
        #expect(try await fixture.fetch("files/a") == [1, 2, 3])
    }

    @Test func pathsThatLeadElsewhereAreRefused() throws {
        let fixture = try RepositoryFixture()
        let file = try fixture.write([1], "a")
        for path in ["../a", "/a", "a//b", "a/./b", "", "a\nb", "deltas/a", "a/"] {
            #expect(throws: RepositoryFailure.self, "\(path)") { try fixture.repository.stage(file: file, as: path) }
        }
    }

    @Test func aPublicationThatEndsEarlyHasPublishedNothingAndIsGoneOver() async throws {
        struct Ended: Error {}
        let fixture = try RepositoryFixture()
        try fixture.repository.stage(file: try fixture.write([1], "a"), as: "files/a")
        try fixture.repository.publish()
        for step in 0..<20 {
            let content = [UInt8(step), 9]
            try fixture.repository.stage(file: try fixture.write(content, "a"), as: "files/a")
            var left = step
            fixture.repository.willWrite = { _ in
                if left == 0 { throw Ended() }
                left -= 1
            }
            let before = try await fixture.fetch("files/a")
            let isWhole = (try? fixture.repository.publish()) != nil
            fixture.repository.willWrite = { _ in }
            if isWhole { return #expect(step > 3) }
            #expect(try await fixture.fetch("files/a") == before, "\(step)")
            try fixture.repository.publish()
            #expect(try await fixture.fetch("files/a") == content, "\(step)")
        }
        Issue.record("the publication never came to its end")
    }

    @Test(arguments: ["timestamp", "snapshot", "targets", "root"])
    func aRotatedRoleIsFollowedAtEveryMoment(role: String) async throws {
        let fixture = try RepositoryFixture()
        try fixture.repository.stage(file: try fixture.write([1], "a"), as: "files/a")
        try fixture.repository.publish()
        _ = try await fixture.fetch("files/a")
        var moments: [String] = []
        fixture.repository.willWrite = { moments.append($0) }
        guard case .published(2) = try fixture.repository.rotate(role) else {
            Issue.record("the root is not published")
            return
        }
        #expect(moments.last?.hasSuffix("2.root.json") == true)
        #expect(try await fixture.fetch("files/a") == [1])
        try fixture.repository.publish()
        #expect(try await fixture.fetch("files/a") == [1])
        let root = try await fixture.client().refresh().metadata.root.role
        #expect(root.version == 2)
    }

    @Test func aRootWaitsForTheKeysThatAreElsewhere() async throws {
        var founding = Repository.Founding()
        founding.keys = ["root": 2]
        founding.thresholds = ["root": 2]
        let fixture = try RepositoryFixture(founding)
        let folder = "\(fixture.repository.path)/.keys/root"
        let names = try DurableFiles.open(folder, O_RDONLY | O_DIRECTORY, doing: "open").names(upTo: 9) { _ in true }
        let away = "\(folder)/\(String(decoding: try #require(names.first { $0.first != 0x2E }), as: UTF8.self))"
        try DurableFiles.rename(away, to: "\(fixture.folder)/away.pem")
        try fixture.repository.delegate(to: "partner", patterns: ["partner/*"])
        guard case .waits(_, 2, let keys, 1) = try fixture.repository.rotate("timestamp") else {
            Issue.record("it does not wait")
            return
        }
        #expect(keys.count == 1)
        // A role that no root names gets new keys all the same; another root has to wait.
        guard case .delegated("partner", _) = try fixture.repository.rotate("partner") else {
            Issue.record("it is no delegated role")
            return
        }
        #expect(throws: RepositoryFailure.self) { try fixture.repository.rotate("snapshot") }
        // Meanwhile the former keys go on publishing.
        try fixture.repository.publish()
        _ = try await fixture.client().refresh()
        try DurableFiles.rename("\(fixture.folder)/away.pem", to: away)
        guard case .published(2) = try fixture.repository.sign() else {
            Issue.record("it waits still")
            return
        }
        #expect(try await fixture.client().refresh().metadata.root.role.version == 2)
        try fixture.repository.publish()
        _ = try await fixture.client().refresh()
    }

    @Test func aDelegatedRoleSignsForItsPaths() async throws {
        let fixture = try RepositoryFixture()
        try fixture.repository.delegate(to: "tools", patterns: ["tools/*"])
        let file = try fixture.write([7], "a")
        #expect(throws: RepositoryFailure.self) { try fixture.repository.delegate(to: "a/b", patterns: ["x/*"]) }
        #expect(throws: RepositoryFailure.self) {
            try fixture.repository.stage(file: file, as: "files/a", role: "tools")
        }
        try fixture.repository.stage(file: file, as: "tools/a", role: "tools")
        try fixture.repository.publish()
        #expect(try await fixture.fetch("tools/a") == [7])
    }

    @Test func aDelegatedRoleGetsNewKeysAndTheOldOneSignsNoMore() async throws {
        let fixture = try RepositoryFixture()
        try fixture.repository.delegate(to: "partner", patterns: ["partner/*"])
        try fixture.repository.stage(file: try fixture.write([1], "a"), as: "partner/a", role: "partner")
        try fixture.repository.publish()
        #expect(try await fixture.fetch("partner/a") == [1])
        let keys = KeyFolder(path: "\(fixture.repository.path)/.keys")
        let former = try #require(try keys.keys(of: "partner").first)
        guard
            case .delegated("partner", let snapshot) = try fixture.repository.rotate("partner", count: 2, threshold: 2)
        else {
            Issue.record("it is no delegated role")
            return
        }
        let now = try keys.keys(of: "partner")
        #expect(now.count == 2 && !now.contains { $0.id == former.id })
        let client = fixture.client()
        var trusted = try await client.refresh().metadata
        #expect(trusted.snapshot?.role.version == snapshot)
        #expect(try await client.find("partner/a", in: &trusted)?.length == 1)
        let delegation = try #require(trusted.targets["targets"]?.role.delegations.first)
        #expect(Set(delegation.keys.keyIDs) == Set(now.map(\.id)) && delegation.keys.threshold == 2)
        // What the vendor publishes next is signed by the new keys, and the retired one is kept apart.
        try fixture.repository.stage(file: try fixture.write([2], "a"), as: "partner/a", role: "partner")
        try fixture.repository.publish()
        #expect(try await fixture.fetch("partner/a") == [2])
        #expect(DurableFiles.names(in: "\(keys.path)/retired") == ["partner-\(former.id.prefix(16)).pem"])
        #expect(throws: RepositoryFailure.self) { try fixture.repository.rotate("nobody") }
    }

    @Test func definitionsHaveAVersionAndAreTriedFirst() async throws {
        let fixture = try RepositoryFixture()
        try fixture.repository.stage(file: try fixture.write([1], "a"), as: "definitions/main.hsb")
        var seen: [String] = []
        let first = try fixture.repository.publish { folder in
            seen = try DurableFiles.open(folder, O_RDONLY | O_DIRECTORY, doing: "open").names(upTo: 9) { _ in true }
                .map { String(decoding: $0, as: UTF8.self) }.sorted()
        }
        #expect(seen == ["main.hsb", "version"])
        let name = try #require(first.definitions)
        #expect(try await fixture.fetch("definitions/version") == Array("\(name)\n".utf8))
        try fixture.repository.stage(file: try fixture.write([2], "a"), as: "definitions/main.hsb")
        #expect(throws: RepositoryFailure.self) {
            try fixture.repository.publish { _ in throw RepositoryFailure("it is malformed") }
        }
        #expect(try await fixture.fetch("definitions/main.hsb") == [1])
        let second = try fixture.repository.publish()
        #expect(second.definitions?.hasSuffix(".2") == true)
    }

    @Test func whatIsReplacedStaysForItsTimeAndGoesThen() async throws {
        let day: Int64 = 86_400
        let clock = Clock(seconds: MetadataTime.now().seconds)
        let fixture = try RepositoryFixture(clock: clock)
        try fixture.repository.stage(file: try fixture.write([1], "a"), as: "files/a")
        try fixture.repository.publish()
        let first = fixture.repository.folder.file(target: "files/a", digest: try #require(FileHashes.sha256(of: [1])))
        let metadata = fixture.repository.folder.file("targets", 2)
        // It was there for long: its time begins when it is replaced.
        clock.seconds += 40 * day
        try fixture.repository.stage(file: try fixture.write([2], "a"), as: "files/a")
        try fixture.repository.publish()
        #expect(access(first, F_OK) == 0 && access(metadata, F_OK) == 0)
        clock.seconds += 29 * day
        try fixture.repository.publish()
        #expect(access(first, F_OK) == 0 && access(metadata, F_OK) == 0)
        clock.seconds += 2 * day
        #expect(try fixture.repository.publish().collected > 0)
        #expect(access(first, F_OK) != 0 && access(metadata, F_OK) != 0)
        #expect(access(fixture.repository.folder.file("root", 1), F_OK) == 0)
        #expect(
            access(
                fixture.repository.folder.file(target: "files/a", digest: try #require(FileHashes.sha256(of: [2]))),
                F_OK)
                == 0)
    }

    @Test func aRootIsSignedOnAnotherMachineByACopy() async throws {
        var founding = Repository.Founding()
        founding.keys = ["root": 2]
        founding.thresholds = ["root": 2]
        let fixture = try RepositoryFixture(founding)
        let keys = "\(fixture.repository.path)/.keys/root"
        let names = try DurableFiles.open(keys, O_RDONLY | O_DIRECTORY, doing: "open").names(upTo: 9) {
            $0.first != 0x2E
        }
        let name = String(decoding: try #require(names.first), as: UTF8.self)
        try DurableFiles.makeFolders("\(fixture.folder)/other")
        try DurableFiles.rename("\(keys)/\(name)", to: "\(fixture.folder)/other/\(name)")
        guard case .waits(let file, _, _, 1) = try fixture.repository.rotate("snapshot") else {
            Issue.record("it does not wait")
            return
        }
        let copy = try fixture.write(try DurableFiles.read(file, upTo: 1 << 20), "copy.json")
        #expect(try Repository.sign(root: copy, with: "\(fixture.folder)/other").count == 1)
        let stranger = try fixture.write(
            try DurableFiles.read("\(fixture.repository.path)/metadata/1.root.json", upTo: 1 << 20), "stranger.json")
        #expect(throws: RepositoryFailure.self) { try fixture.repository.sign(adding: [stranger]) }
        guard case .published(2) = try fixture.repository.sign(adding: [copy]) else {
            Issue.record("it waits still")
            return
        }
        #expect(try await fixture.client().refresh().metadata.root.role.version == 2)
    }

    @Test func targetsAreSignedAnewBeforeTheyExpire() async throws {
        let clock = Clock(seconds: MetadataTime.now().seconds)
        let fixture = try RepositoryFixture(clock: clock)
        func version() throws -> Int64? {
            try fixture.repository.status().roles.first { $0.name == "targets" }?.version
        }
        let before = try version()
        clock.seconds += 50 * 86_400
        try fixture.repository.publish()
        #expect(try version() == before)
        clock.seconds += 20 * 86_400
        try fixture.repository.publish()
        #expect(try version() == before.map { $0 + 1 })
    }
}
