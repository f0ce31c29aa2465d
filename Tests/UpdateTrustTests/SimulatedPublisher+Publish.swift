import Testing

@testable import UpdateTrust

extension SimulatedPublisher {
    /// Publishes the named roles as they are now, or all four; `by` signs in place of who should.
    func publish(_ roles: String..., by signers: [SigningKey]? = nil) throws {
        for name in roles.isEmpty ? RoleName.topLevel : roles {
            let role = try #require(
                [RoleName.root: root, "timestamp": timestamp, "snapshot": snapshot, "targets": targets][name])
            let bytes = try Self.sign(role, signers ?? keys[name] ?? [])
            repository.put(try fileName(name, role), bytes)
        }
    }

    func fileName(_ name: String, _ role: JSONObject) throws -> String {
        guard name != RoleName.timestamp, name == RoleName.root || root["consistent_snapshot"] == true else {
            return "\(RoleName.encoded(name)).json"
        }
        return "\(try Self.version(role)).\(RoleName.encoded(name)).json"
    }

    static func version(_ role: JSONObject) throws -> Int64 {
        guard case .integer(let version) = role["version"] else { throw MetadataError("version", "it is no number") }
        return version
    }

    /// Gives targets, snapshot and timestamp these versions, each named by the next, and publishes them.
    func publish(targets: Int64, snapshot: Int64, timestamp: Int64) throws {
        self.targets["version"] = .integer(targets)
        self.snapshot["version"] = .integer(snapshot)
        self.snapshot["meta"] = ["targets.json": ["version": .integer(targets)]]
        self.timestamp["version"] = .integer(timestamp)
        self.timestamp["meta"] = ["snapshot.json": ["version": .integer(snapshot)]]
        try publish("targets", "snapshot", "timestamp")
    }
}

/// A client with a folder of its own, removed at the end.
final class SimulatedClient {
    let fixture: TemporaryFolder
    let client: UpdateClient

    init(
        _ publisher: SimulatedPublisher, at now: MetadataTime = SimulatedRepository.now,
        limits: MetadataLimits = .init(), in other: SimulatedClient? = nil
    ) throws {
        fixture = try other?.fixture ?? TemporaryFolder()
        let cache = MetadataCache(folder: "\(fixture.path)/trust", patience: 600)
        // The folder must last as long as the client does.
        client = UpdateClient(cache: cache, metadataURL: "memory", publisher.repository, limits: limits) {
            [fixture] in withExtendedLifetime(fixture) { now }
        }
        if other == nil {
            try UpdateClient.begin(cache, with: try #require(publisher.repository.bytes("1.root.json")))
        }
    }

    /// Why a refresh was refused; nil: it was not.
    func refusal() async -> UpdateError.Cause? {
        do throws(UpdateError) {
            _ = try await client.refresh()
            return nil
        } catch { return error.cause }
    }

    func cached(_ role: String) throws -> [UInt8]? { try client.cache.read(role, upTo: .max) }
}
