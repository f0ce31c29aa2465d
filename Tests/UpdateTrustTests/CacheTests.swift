import Files
import Glibc
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

    @Test func aFolderThatAnotherHasIsSaidToBeItsAndByWhichProcess() throws {
        let client = try SimulatedClient(try published())
        let lock = try client.client.cache.lock()
        let hasty = MetadataCache(folder: client.client.cache.folder, patience: 0)
        let error = #expect(throws: UpdateError.self) { try hasty.lock() }
        #expect(error?.cause == .locked)
        #expect(error?.message.contains("process \(getpid())") == true && error?.message.contains("/.lock") == true)
        lock.release()
        try hasty.lock().release()
    }

    @Test func aRefreshWaitsForWhoHasTheFolder() async throws {
        let publisher = try published()
        let client = try SimulatedClient(publisher).client
        let lock = try client.cache.lock()
        async let refreshed = client.refresh()
        // It has its turn; no request is made while another has the folder.
        for _ in 0..<50 { await Task.yield() }
        #expect(publisher.repository.requests.isEmpty)
        lock.release()
        #expect(try await refreshed.isNew)
    }

    @Test func aRefreshThatIsCancelledWhileItWaitsSaysSo() async throws {
        let client = try SimulatedClient(try published()).client
        let lock = try client.cache.lock()
        defer { lock.release() }
        let task = Task { try await client.refresh() }
        task.cancel()
        let result = await task.result
        #expect(throws: UpdateError.self) { try result.get() }
        if case .failure(let error as UpdateError) = result { #expect(error.transport?.cause == .cancelled) }
    }

    @Test(arguments: ["root", "timestamp", "snapshot", "targets"])
    func whatCannotBeWrittenIsSaidAndTakenUpLater(_ role: String) async throws {
        let publisher = try published()
        let client = try SimulatedClient(publisher)
        #expect(await client.refusal() == nil)
        publisher.root["version"] = 2
        try publisher.publish("root")
        try publisher.publish(targets: 2, snapshot: 2, timestamp: 2)
        // No file can take the place of a folder that has something in it, not even for root.
        let path = client.client.cache.path(of: role)
        let kept = try DurableFiles.read(path, upTo: 1 << 20)
        try DurableFiles.rename(path, to: path + ".kept")
        try DurableFiles.makeFolders("\(path)/full")
        #expect(await client.refusal() == .storage)
        try RepositoryFixture.run("/bin/rm", "-rf", path)
        try DurableFiles.replace(path, with: kept)
        #expect(await client.refusal() == nil)
        #expect(try client.client.load().targets["targets"]?.role.version == 2)
        #expect(try client.client.load().root.role.version == 2)
    }

    private func published() throws -> SimulatedPublisher {
        let publisher = try SimulatedPublisher()
        try publisher.publish()
        return publisher
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
