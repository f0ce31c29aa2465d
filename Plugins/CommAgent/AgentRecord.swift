internal import Files
import Fleet
import UpdateTrust

/// What is remembered of updates from one process to the next, in a file of the component's folder.
struct AgentRecord: Codable, Hashable, Sendable {
    /// A set that failed its test.
    struct Rejected: Codable, Hashable, Sendable {
        var version: String
        var identity: String
        /// A sentence.
        var reason: String
        var at: Timestamp
    }

    /// Where this workstation's order of distributors comes from.
    var seed: UInt64
    var rejected: [Rejected] = []
    /// How often the test of a set was lost, by identity.
    var losses: [String: Int] = [:]
    var snapshot: Int?
    var source: String?
    var lastCheck: Timestamp?
    var lastSuccess: Timestamp?
    var trouble: UpdateTrouble?
    /// How many signatures a set has, by identity.
    var signatures: [String: Int] = [:]
    /// The identity of the set that the machine was last told of.
    var announced: String?
    var deltaBytes = 0
    var fullBytes = 0

    static let rejectedLimit = 20
    /// Bytes of its file.
    static let sizeLimit = 1 << 20

    init(seed: UInt64 = .random(in: .min ... .max)) { self.seed = seed }

    func rejected(_ identity: String) -> Rejected? { rejected.first { $0.identity == identity } }

    mutating func reject(_ set: DefinitionsSet, _ reason: String, at now: Timestamp) {
        rejected.removeAll { $0.identity == set.identity }
        rejected.append(Rejected(version: set.version, identity: set.identity, reason: reason, at: now))
        rejected = Array(rejected.suffix(Self.rejectedLimit))
        losses[set.identity] = nil
    }

    mutating func succeed(at now: Timestamp) {
        lastSuccess = now
        trouble = nil
    }

    mutating func fail(_ cause: String, role: String? = nil, _ sentence: String, at now: Timestamp) {
        let since = trouble?.since ?? now
        trouble = UpdateTrouble(cause: cause, role: role, sentence: sentence, since: since)
    }

    mutating func fail(_ error: UpdateError, at now: Timestamp) {
        let cause = error.transport.map(\.cause.rawValue) ?? error.cause.rawValue
        fail(cause, role: error.role, "\(error)", at: now)
    }
}

// MARK: Its file

extension AgentRecord {
    /// nil where there is none that can be read. Blocks.
    static func read(_ path: String) -> AgentRecord? {
        guard let bytes = try? DurableFiles.read(path, upTo: sizeLimit) else { return nil }
        return try? FleetJSON.decode(AgentRecord.self, from: bytes)
    }

    /// Blocks. Throws `FileFailure`.
    func write(to path: String) throws { try Self.write(self, to: path) }

    static func write(_ value: some Encodable, to path: String) throws {
        try DurableFiles.replace(path, with: try FleetJSON.encode(value) + [10])
    }
}
