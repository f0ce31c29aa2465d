import FoundationEssentials
import Locks
import MusterABI
import PluginKit
import PluginTesting
import Testing

@testable import UpdateDistributor
@testable import UpdateTrust

@Suite struct DistributorTests {
    private final class Fixture {
        let publisher: TestPublisher
        let host: FakeHost

        init(_ settings: [String: Setting] = [:], folder: String? = nil, publisher: TestPublisher? = nil) throws {
            let publisher = try publisher ?? TestPublisher()
            self.publisher = publisher
            host = FakeHost(
                PluginEntry.manifest(of: Distributor.self),
                settings: ["repository": .path(folder ?? publisher.repository)].merging(settings) { $1 },
                stateDirectory: publisher.folder)
            try host.start()
            host.runWork()
        }

        deinit {
            host.stop()
            host.destroy()
        }

        func get(_ target: String, _ headers: (String, String)..., peer: String = "192.0.2.7:40000") -> FakeAnswer {
            host.exchange(FakeRequest(target, headers: headers, peer: peer), with: "updates")
        }

        func status() throws -> DistributorStatus {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(DistributorStatus.self, from: Data(get("/v1/status").body))
        }

        /// As UpdateService does after a publication.
        func tellOfPublication() { host.deliver("updates.published", from: "UpdateService", []) }
    }

    @Test func targetIsServedByItsPlainPathAndTheNextOneAfterAPublication() throws {
        let fixture = try Fixture()
        try fixture.publisher.publish(["definitions/main.hsb": "one", "extra/c d": "two"])
        fixture.tellOfPublication()
        let first = fixture.get("/files/definitions/main.hsb")
        #expect(first.status == 200 && first.text == "one")
        #expect(fixture.get("/files/extra/c%20d").text == "two")
        #expect(fixture.get("/files/definitions/main.hsb", ("Range", "bytes=1-")).text == "ne")
        let tag = try #require(first["ETag"])
        #expect(fixture.get("/files/definitions/main.hsb", ("If-None-Match", tag)).status == 304)
        try fixture.publisher.publish(["definitions/main.hsb": "three"])
        fixture.tellOfPublication()
        let second = fixture.get("/files/definitions/main.hsb", ("If-None-Match", tag))
        #expect(second.status == 200 && second.text == "three" && second["ETag"] != tag)
        #expect(fixture.get("/files/extra/c%20d").status == 404)
    }

    /// A workstation that is told of it comes within milliseconds, and once for all: it must not find what was there before.
    @Test func publicationIsServedAtOnceThoughWhatWasThereWasJustLookedAt() throws {
        let fixture = try Fixture()
        #expect(fixture.get("/metadata/timestamp.json").status == 404)
        for version in 1...3 {
            try fixture.publisher.publish(["definitions/main.hsb": "\(version)"])
            fixture.tellOfPublication()
            #expect(fixture.get("/metadata/timestamp.json").text.contains("\"version\":\(version)"))
            #expect(fixture.get("/metadata/\(version).snapshot.json").status == 200)
            #expect(fixture.get("/metadata/\(version + 1).snapshot.json").status == 404)
        }
    }

    /// freshclam's DatabaseCustomURL: what it asks with, and what it goes by.
    @Test func freshclamFetchesACustomDatabaseOnceAndAgainWhenItIsNew() throws {
        let fixture = try Fixture()
        try fixture.publisher.publish(["definitions/local.hsb": "one"])
        fixture.tellOfPublication()
        let path = "/files/definitions/local.hsb"
        let agent = ("User-Agent", "ClamAV/1.0.7 (OS: Linux, ARCH: x86_64, CPU: x86_64)")
        let first = fixture.get(path, agent, ("Accept", "*/*"), ("Connection", "close"))
        #expect(first.status == 200 && first.text == "one")
        let date = try #require(first["Last-Modified"])
        #expect(fixture.get(path, agent, ("If-Modified-Since", date)).status == 304)
        try fixture.publisher.publish(["definitions/local.hsb": "two"])
        fixture.tellOfPublication()
        let second = fixture.get(path, agent, ("If-Modified-Since", date))
        #expect(second.status == 200 && second.text == "two" && second["Last-Modified"] != date)
    }

    @Test(arguments: [
        "/files/", "/files/missing", "/files/../metadata/timestamp.json", "/files/%2e%2e/metadata/timestamp.json",
        "/files//a", "/files/a%00", "/files/%zz", "/files/.lock", "/.staging/x", "/.lock",
    ])
    func whatIsNoTargetIsNotFound(_ target: String) throws {
        let fixture = try Fixture()
        try fixture.publisher.publish(["a": "one"])
        fixture.tellOfPublication()
        #expect([404, 400].contains(fixture.get(target).status))
        #expect(fixture.get("/files/a").status == 200)
    }

    @Test func modificationDateNeverGoesBackWhenAnOlderFileComesAgain() throws {
        let repository: PublishedRepository
        let publisher = try TestPublisher()
        try publisher.publish(["a": "one"])
        repository = try PublishedRepository(reading: publisher.repository)
        let first = FilesIndex.entries(repository, behind: [:], now: 1500) { _ in 1000 }
        #expect(first["a"]?.since == 1000)
        // Made at 1000, and published when it is 2000: who fetched the former content at 2000 must be told of it.
        try publisher.publish(["a": "two"])
        let second = FilesIndex.entries(
            try PublishedRepository(reading: publisher.repository), behind: first, now: 2000
        ) { _ in 1000 }
        #expect(second["a"]?.since == 2001)
        try publisher.publish(["a": "one"])
        let third = FilesIndex.entries(
            try PublishedRepository(reading: publisher.repository), behind: second, now: 1000
        ) { _ in 1000 }
        #expect(third["a"]?.since == 2002 && third["a"]?.file == first["a"]?.file)
        let same = FilesIndex.entries(
            try PublishedRepository(reading: publisher.repository), behind: third, now: 9000
        ) { _ in 9000 }
        #expect(same == third)
    }

    @Test func datesAreKeptThroughARestart() throws {
        let publisher = try TestPublisher()
        let memory = IndexMemory(path: "\(publisher.folder)/files.json")
        memory.write(["a": FilesIndex.Entry(file: "targets/x.a", since: 4_000_000_000)])
        try publisher.publish(["a": "one"])
        let fixture = try Fixture(publisher: publisher)
        #expect(fixture.get("/files/a")["Last-Modified"] == "Tue, 02 Oct 2096 07:06:41 GMT")
    }

    @Test func repositoryThatComesLaterIsServedThen() throws {
        let publisher = try TestPublisher()
        let fixture = try Fixture(folder: "\(publisher.folder)/later", publisher: publisher)
        #expect(fixture.get("/metadata/timestamp.json").status == 404)
        let before = try fixture.status()
        #expect(before.snapshot == nil && before.repositoryError != nil)
        try publisher.publish(["a": "one"])
        try FileManager.default.moveItem(atPath: publisher.repository, toPath: "\(publisher.folder)/later")
        fixture.tellOfPublication()
        #expect(fixture.get("/files/a").text == "one")
        let after = try fixture.status()
        #expect(after.snapshot == 1 && after.repositoryError == nil && after.targets == 1)
        #expect((after.secondsLeft ?? 0) > 86_400)
    }

    @Test func clientsAreCountedByTheSnapshotTheyFetchedLast() throws {
        let fixture = try Fixture()
        try fixture.publisher.publish(["a": "one"])
        try fixture.publisher.publish(["a": "two"])
        fixture.tellOfPublication()
        _ = fixture.get("/files/a")
        for client in 1...4 { _ = fixture.get("/metadata/1.snapshot.json", peer: "192.0.2.\(client):4000") }
        _ = fixture.get("/metadata/2.snapshot.json", peer: "192.0.2.1:4711")
        _ = fixture.get("/metadata/2.snapshot.json", peer: "[2001:db8::1]:4711")
        _ = fixture.get("/metadata/9.snapshot.json", peer: "192.0.2.9:1")
        let rows: [VersionCounts.Row] = [
            .init(version: 2, clients: 2, percent: 40), .init(version: 1, clients: 3, percent: 60),
        ]
        #expect(try fixture.status().versions == rows)
        _ = try fixture.host.release()
        let next = try Fixture(publisher: fixture.publisher)
        #expect(try next.status().versions == rows)
    }

    @Test func clientThatAsksTooOftenIsPutOffAndTheStatusIsNot() throws {
        let fixture = try Fixture(["limits.per_client.requests": .integer(1)])
        try fixture.publisher.publish(["a": "one"])
        fixture.tellOfPublication()
        let statuses = (0..<12).map { _ in fixture.get("/files/a").status }
        #expect(statuses.prefix(10).allSatisfy { $0 == 200 } && statuses.last == 503)
        let refused = fixture.get("/files/a")
        #expect((1...63).contains(Int(refused["Retry-After"] ?? "") ?? 0))
        #expect(fixture.get("/files/a", peer: "192.0.2.8:40000").status == 200)
        for _ in 0..<30 {
            #expect(fixture.get("/v1/status", peer: "127.0.0.1:4").status == 200)
        }
    }
}

@Suite struct FairnessTests {
    private struct TestTime { let now = TestNumber() }

    @Test func bytesAreOwedAndPaidOverTime() {
        let time = TestTime()
        let fairness = Fairness(.init(clientBytes: 1000), clock: { time.now.value })
        #expect(fairness.admit(1) == nil)
        // Ten seconds' worth is saved up, and five more are owed.
        fairness.count(15_000, client: 1)
        let wait = fairness.admit(1)
        #expect((5...10).contains(wait ?? 0))
        #expect(fairness.admit(2) == nil)
        time.now.value += 5_000_000_001
        #expect(fairness.admit(1) == nil && fairness.refused == 1)
    }

    @Test func allTogetherHaveACeiling() {
        let time = TestTime()
        let fairness = Fairness(.init(totalBytes: 1000), clock: { time.now.value })
        #expect(fairness.admit(1) == nil)
        fairness.count(3000, client: 1)
        #expect(fairness.admit(2) != nil)
        time.now.value += 2_000_000_001
        #expect(fairness.admit(2) == nil)
    }

    @Test func thoseWhoArePutOffComeBackSpreadAndEachAtItsOwnPlace() {
        let waits = (0..<1000).map { Fairness.retryAfter(10_000_000_000, UInt64($0)) }
        #expect(waits == (0..<1000).map { Fairness.retryAfter(10_000_000_000, UInt64($0)) })
        #expect(waits.allSatisfy { (10...20).contains($0) })
        let counts = Dictionary(grouping: waits) { $0 }.mapValues(\.count)
        #expect(counts.count == 11 && counts.values.allSatisfy { $0 < 150 })
    }
}

/// A clock's hand.
private final class TestNumber: Sendable {
    private let number = Locked<Int64>(1_000_000_000_000)

    var value: Int64 {
        get { number.withLock { $0 } }
        set { number.withLock { $0 = newValue } }
    }
}
