import Files
import FoundationEssentials
import Locks
import PluginKit

/// How many clients have which snapshot: the one that each fetched last. Addresses are kept as salted numbers only. Any
/// thread.
final class VersionCounts: Sendable {
    /// One version's part of the fleet.
    struct Row: Codable, Sendable, Equatable {
        var version: Int64
        var clients: Int
        /// Of all clients that are known here, to a tenth.
        var percent: Double
    }

    private struct Client: Codable {
        var version: Int64
        /// Days since 1970.
        var day: Int64
    }

    private struct Kept: Codable {
        var salt: UInt64
        var clients: [String: Client]
    }

    private struct State {
        var salt: UInt64
        var clients: [UInt64: Client] = [:]
        var isChanged = false
    }

    static let limit = 100_000
    /// Clients that fetched nothing for so long are none any more.
    static let days: Int64 = 90

    private let path: String
    private let today: @Sendable () -> Int64
    private let limit: Int
    private let state: Locked<State>

    init(
        path: String, limit: Int = VersionCounts.limit,
        today: @escaping @Sendable () -> Int64 = { Int64(Date().timeIntervalSince1970) / 86400 }
    ) {
        self.path = path
        self.limit = limit
        self.today = today
        state = Locked(State(salt: .random(in: .min ... .max)))
    }

    /// Reads what an earlier generation kept. Blocks.
    func load() {
        guard let bytes = try? DurableFiles.read(path, upTo: 64 << 20),
            let kept = try? JSONDecoder().decode(Kept.self, from: Data(bytes))
        else { return }
        let oldest = today() - Self.days
        let clients = kept.clients.compactMap { key, client in UInt64(key, radix: 16).map { ($0, client) } }
        state.withLock { state in
            state.salt = kept.salt
            state.clients = Dictionary(clients.filter { $0.1.day >= oldest }, uniquingKeysWith: { $1 })
        }
    }

    /// Writes what has changed. Blocks.
    func save() {
        let oldest = today() - Self.days
        let kept = state.withLock { state -> Kept? in
            guard state.isChanged else { return nil }
            state.isChanged = false
            state.clients = state.clients.filter { $0.value.day >= oldest }
            return Kept(
                salt: state.salt,
                clients: Dictionary(uniqueKeysWithValues: state.clients.map { (String($0, radix: 16), $1) }))
        }
        guard let kept, let text = try? JSONEncoder().encode(kept) else { return }
        // Only numbers hang on it: what cannot be written is not.
        try? DurableFiles.replace(path, with: [UInt8](text), mode: 0o600)
    }

    func count(_ version: Int64, by peer: borrowing BorrowedText) {
        let day = today()
        let salt = state.withLock { $0.salt }
        let number = ClientNumber.of(peer, salt: salt)
        state.withLock { state in
            // A table that is full keeps whom it has.
            guard state.clients[number] != nil || state.clients.count < limit else { return }
            state.clients[number] = Client(version: version, day: day)
            state.isChanged = true
        }
    }

    /// The newest first.
    var rows: [Row] {
        let clients = state.withLock { $0.clients }
        var counts: [Int64: Int] = [:]
        for client in clients.values { counts[client.version, default: 0] += 1 }
        return counts.sorted { $0.key > $1.key }.map {
            Row(
                version: $0.key, clients: $0.value,
                percent: (Double($0.value) / Double(clients.count) * 1000).rounded() / 10)
        }
    }

    /// The version in `/metadata/<version>.snapshot.json`; nil for any other path.
    static func snapshot(_ path: borrowing BorrowedText) -> Int64? {
        guard path.hasPrefix("/metadata/") else { return nil }
        return path.bytes.withUnsafeBytes { bytes in
            let start = 10
            var (index, version) = (start, Int64(0))
            while index < bytes.count, (0x30...0x39).contains(bytes[index]), index - start < 18 {
                version = version * 10 + Int64(bytes[index] - 0x30)
                index += 1
            }
            guard index > start, bytes[index...].elementsEqual(".snapshot.json".utf8) else { return nil }
            return version
        }
    }
}
