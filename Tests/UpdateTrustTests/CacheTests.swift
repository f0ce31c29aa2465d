import Files
import Testing

@testable import UpdateTrust

/// The folder of trusted metadata under two clients, and after refreshes that ended early.
@Suite struct CacheTests {
    @Test func twoClientsAtOnceBothEndWithTheSame() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        let fixture = try SimulatedClient(publisher)
        let client = fixture.client
        async let first = client.refresh()
        async let second = client.refresh()
        let both = try await [first, second]
        #expect(both.filter(\.isNew).count == 1)
        #expect(both[0].metadata.targets["targets"]?.bytes == both[1].metadata.targets["targets"]?.bytes)
    }

    @Test(arguments: ["3.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json"])
    func aRefreshThatEndedEarlyGoesOnLater(_ missing: String) async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        let client = try SimulatedClient(publisher)
        #expect(await client.refusal() == nil)
        publisher.root["version"] = 2
        try publisher.publish("root")
        try publisher.publish(targets: 2, snapshot: 2, timestamp: 2)
        publisher.repository.refuse(missing, .unreachable)
        #expect(await client.refusal() == .transport)
        publisher.repository.refuse(missing, nil)
        #expect(await client.refusal() == nil)
        #expect(try client.client.load().targets["targets"]?.role.version == 2)
        #expect(try client.client.load().root.role.version == 2)
    }

    @Test func whatIsTrustedIsNotReplacedByAnotherRoot() throws {
        let (one, other) = (try RepositoryFixture(), try RepositoryFixture())
        func root(_ fixture: RepositoryFixture) throws -> [UInt8] {
            try DurableFiles.read("\(fixture.folder)/repository/metadata/1.root.json", upTo: 1 << 20)
        }
        try UpdateClient.begin(one.trust, with: try root(one))
        let error = #expect(throws: UpdateError.self) { try UpdateClient.begin(one.trust, with: try root(other)) }
        #expect(error?.cause == .mismatch)
        #expect(try one.trust.read("root", upTo: 1 << 20) == root(one))
    }
}
