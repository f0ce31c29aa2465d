import Testing

@testable import UpdateTrust

/// What is older than what was seen, or was not renewed in time, is refused (TUF section 5.4 to 5.6).
@Suite struct VersionTests {
    /// A client that has seen version 3 of all three.
    private func known() async throws -> (SimulatedPublisher, SimulatedClient) {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        try publisher.publish(targets: 3, snapshot: 3, timestamp: 3)
        let client = try SimulatedClient(publisher)
        _ = try await client.client.refresh()
        return (publisher, client)
    }

    /// Versions of targets, snapshot and timestamp.
    @Test(arguments: [(3, 3, 2), (3, 2, 4), (2, 4, 4)] as [(Int64, Int64, Int64)])
    func aLowerVersionIsRefused(_ targets: Int64, _ snapshot: Int64, _ timestamp: Int64) async throws {
        let (publisher, client) = try await known()
        try publisher.publish(targets: targets, snapshot: snapshot, timestamp: timestamp)
        #expect(await client.refusal() == .rollback)
    }

    @Test func aHigherVersionIsAccepted() async throws {
        let (publisher, client) = try await known()
        try publisher.publish(targets: 4, snapshot: 4, timestamp: 4)
        #expect(try await client.client.refresh().isNew)
    }

    @Test func aRoleThatVanishesFromTheSnapshotIsRefused() async throws {
        let publisher = try SimulatedPublisher()
        publisher.snapshot["meta"] = ["targets.json": ["version": 1], "other.json": ["version": 1]]
        try publisher.publish()
        let client = try SimulatedClient(publisher)
        #expect(await client.refusal() == nil)
        try publisher.publish(targets: 1, snapshot: 2, timestamp: 2)
        #expect(await client.refusal() == .rollback)
    }

    @Test func aLowerVersionOfADelegatedRoleIsRefused() async throws {
        let publisher = try SimulatedPublisher()
        publisher.snapshot["meta"] = ["targets.json": ["version": 1], "other.json": ["version": 5]]
        try publisher.publish()
        let client = try SimulatedClient(publisher)
        #expect(await client.refusal() == nil)
        publisher.snapshot["version"] = 2
        publisher.snapshot["meta"] = ["targets.json": ["version": 1], "other.json": ["version": 4]]
        publisher.timestamp["version"] = 2
        publisher.timestamp["meta"] = ["snapshot.json": ["version": 2]]
        try publisher.publish("snapshot", "timestamp")
        #expect(await client.refusal() == .rollback)
    }

    @Test(arguments: [RoleName.timestamp, RoleName.snapshot])
    func afterAKeyIsReplacedVersionsMayBeginAnew(_ role: String) async throws {
        let (publisher, client) = try await known()
        publisher.keys[role] = [try SigningKey.make(.ed25519)]
        publisher.listKeys()
        publisher.root["version"] = 2
        try publisher.publish("root")
        try publisher.publish(targets: 3, snapshot: 1, timestamp: 1)
        #expect(await client.refusal() == nil)
    }

    @Test func afterAnotherKeyIsReplacedVersionsMayNotBeginAnew() async throws {
        let (publisher, client) = try await known()
        publisher.keys["targets"] = [try SigningKey.make(.ed25519)]
        publisher.listKeys()
        publisher.root["version"] = 2
        try publisher.publish("root")
        try publisher.publish(targets: 3, snapshot: 1, timestamp: 1)
        #expect(await client.refusal() == .rollback)
    }

    @Test(arguments: RoleName.topLevel)
    func anExpiredRoleIsRefused(_ role: String) async throws {
        let publisher = try SimulatedPublisher()
        let past = JSON.string(SimulatedRepository.past)
        switch role {
        case RoleName.root: publisher.root["expires"] = past
        case RoleName.timestamp: publisher.timestamp["expires"] = past
        case RoleName.snapshot: publisher.snapshot["expires"] = past
        default: publisher.targets["expires"] = past
        }
        try publisher.publish()
        #expect(await (try SimulatedClient(publisher)).refusal() == .expired)
    }

    @Test func whatHasExpiredInTheCacheStillKeepsOlderVersionsOut() async throws {
        let (publisher, client) = try await known()
        let muchLater = MetadataTime(seconds: SimulatedRepository.now.seconds + 200_000)
        publisher.root["expires"] = "2031-01-01T00:00:00Z"
        publisher.root["version"] = 2
        publisher.timestamp["expires"] = "2031-01-01T00:00:00Z"
        try publisher.publish("root")
        try publisher.publish(targets: 3, snapshot: 3, timestamp: 2)
        #expect(await (try SimulatedClient(publisher, at: muchLater, in: client)).refusal() == .rollback)
    }

    @Test func aClockThatWasSetBackIsRefusedUntilItIsReset() async throws {
        let (publisher, client) = try await known()
        let before = MetadataTime(seconds: SimulatedRepository.now.seconds - 1)
        let other = try SimulatedClient(publisher, at: before, in: client)
        publisher.repository.forgetRequests()
        #expect(await other.refusal() == .clock)
        #expect(publisher.repository.requests.isEmpty)
        try other.client.cache.resetClock()
        #expect(await other.refusal() == nil)
    }
}
