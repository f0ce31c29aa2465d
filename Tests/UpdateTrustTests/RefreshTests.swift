import Testing

@testable import UpdateTrust

/// The order of a refresh (TUF section 5.3 to 5.6).
@Suite struct RefreshTests {
    @Test func aFirstRefreshAsksForEachRoleInOrder() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        let client = try SimulatedClient(publisher)
        defer { withExtendedLifetime(client) {} }
        let refreshed = try await client.client.refresh()
        #expect(refreshed.isNew)
        #expect(
            publisher.repository.requests == ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"])
    }

    @Test func withoutNewsOnlyTheNextRootAndTheTimestampAreAskedFor() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        let client = try SimulatedClient(publisher)
        _ = try await client.client.refresh()
        publisher.repository.forgetRequests()
        let refreshed = try await client.client.refresh()
        #expect(!refreshed.isNew)
        #expect(publisher.repository.requests == ["2.root.json", "timestamp.json"])
    }

    @Test func aTimestampOfTheKnownVersionDoesNotReplaceTheFile() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        let client = try SimulatedClient(publisher)
        _ = try await client.client.refresh()
        let before = try client.cached("timestamp")
        publisher.timestamp["note"] = "another"
        try publisher.publish("timestamp")
        _ = try await client.client.refresh()
        #expect(try client.cached("timestamp") == before)
        #expect(publisher.repository.bytes("timestamp.json") != before)
    }

    @Test(arguments: [TransportFailure.Cause.notFound, .forbidden])
    func aRootThatIsNotThereEndsTheChain(_ cause: TransportFailure.Cause) async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        publisher.repository.refuse("2.root.json", cause)
        #expect(await (try SimulatedClient(publisher)).refusal() == nil)
    }

    @Test func aServerThatIsBusyForTheNextRootEndsTheRefresh() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        publisher.repository.refuse("2.root.json", .busy)
        #expect(await (try SimulatedClient(publisher)).refusal() == .transport)
        #expect(publisher.repository.requests == ["2.root.json"])
    }

    @Test func filesAreKeptByteForByte() async throws {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        let spaced = Array(" \n".utf8) + (publisher.repository.bytes("1.targets.json") ?? []) + Array("\n".utf8)
        publisher.repository.put("1.targets.json", spaced)
        let client = try SimulatedClient(publisher)
        _ = try await client.client.refresh()
        #expect(try client.cached("targets") == spaced)
        #expect(try client.cached("timestamp") == publisher.repository.bytes("timestamp.json"))
        #expect(try client.cached("snapshot") == publisher.repository.bytes("1.snapshot.json"))
    }

    @Test func withoutConsistentSnapshotsOnlyRootHasItsVersionInItsName() async throws {
        let publisher = try SimulatedPublisher()
        publisher.root["consistent_snapshot"] = false
        try publisher.publish()
        let client = try SimulatedClient(publisher)
        defer { withExtendedLifetime(client) {} }
        _ = try await client.client.refresh()
        #expect(publisher.repository.requests == ["2.root.json", "timestamp.json", "snapshot.json", "targets.json"])
    }
}
