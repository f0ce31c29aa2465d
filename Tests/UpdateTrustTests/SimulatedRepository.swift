import Glibc
import OpenSSL
import Synchronization

@testable import UpdateTrust

/// A repository in memory: roles are JSON that a test edits before it publishes, and requests are written down.
final class SimulatedRepository: UpdateTransport {
    struct State {
        var files: [String: [UInt8]] = [:]
        var refusals: [String: TransportFailure.Cause] = [:]
        var requests: [String] = []
    }

    /// What the clock of clients says unless a test says otherwise; roles expire a day later.
    static let now = MetadataTime(seconds: 1_900_000_000)
    static let later = "2030-03-18T17:46:40Z"
    static let past = "2030-03-17T17:46:39Z"

    let state = Mutex(State())

    var requests: [String] { state.withLock { $0.requests } }

    func forgetRequests() { state.withLock { $0.requests = [] } }

    func put(_ name: String, _ bytes: [UInt8]?) { state.withLock { $0.files[name] = bytes } }

    func bytes(_ name: String) -> [UInt8]? { state.withLock { $0.files[name] } }

    func refuse(_ name: String, _ cause: TransportFailure.Cause?) { state.withLock { $0.refusals[name] = cause } }

    func fetch(_ url: String, upTo limit: Int) async throws(TransportFailure) -> [UInt8] {
        let name = String(url.dropFirst("memory/".count))
        let (bytes, refusal) = state.withLock { state in
            state.requests.append(name)
            return (state.files[name], state.refusals[name])
        }
        if let refusal { throw TransportFailure(refusal, "\(name) is refused") }
        guard let bytes else { throw TransportFailure(.notFound, "there is no \(name)", status: 404) }
        guard bytes.count <= limit else { throw TransportFailure(.tooLarge, "\(name) has more than \(limit) bytes") }
        return bytes
    }

    func download(
        _ url: String, to file: Int32, from offset: UInt64, upTo limit: UInt64,
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws(TransportFailure) {
        let bytes = try await fetch(url, upTo: .max)
        guard offset <= UInt64(bytes.count) else { throw TransportFailure(.notResumed, "\(url) has become shorter") }
        let rest = Array(bytes.dropFirst(Int(offset)).prefix(Int(clamping: limit)))
        guard pwrite(file, rest, rest.count, off_t(offset)) == rest.count else {
            throw TransportFailure(.storage, "the file could not be written", systemError: errno)
        }
        progress(offset + UInt64(rest.count))
    }
}

/// Makes and signs the four roles, and publishes them in a `SimulatedRepository`.
final class SimulatedPublisher {
    let repository = SimulatedRepository()
    /// Who signs each role. A test may replace them; root then lists the new ones with its next version.
    var keys: [String: [SigningKey]] = [:]
    var root: JSONObject
    var timestamp: JSONObject
    var snapshot: JSONObject
    var targets: JSONObject

    init() throws {
        for role in RoleName.topLevel { keys[role] = [try SigningKey.make(.ed25519)] }
        root = Self.role("root", ["consistent_snapshot": true])
        timestamp = Self.role("timestamp", ["meta": ["snapshot.json": ["version": 1]]])
        snapshot = Self.role("snapshot", ["meta": ["targets.json": ["version": 1]]])
        targets = Self.role("targets", ["targets": [:]])
        listKeys()
    }

    static func role(_ type: String, _ more: JSONObject) -> JSONObject {
        var role: JSONObject = [
            "_type": .string(type), "spec_version": "1.0.31", "version": 1,
            "expires": .string(SimulatedRepository.later),
        ]
        for member in more.members { role[member.key] = member.value }
        return role
    }

    /// Writes into root who signs, each role with as many signatures as it has keys.
    func listKeys() {
        var (listed, roles) = (JSONObject(), JSONObject())
        for role in RoleName.topLevel {
            let keys = keys[role] ?? []
            for key in keys { listed[key.id] = key.publicKey.json }
            roles[role] = [
                "keyids": .array(keys.map { .string($0.id) }), "threshold": .integer(Int64(keys.count)),
            ]
        }
        (root["keys"], root["roles"]) = (.object(listed), .object(roles))
    }

    static func sign(_ role: JSONObject, _ keys: [SigningKey]) throws -> [UInt8] {
        let content = JSON.object(role).canonical
        let signatures: [JSON] = try keys.map {
            ["keyid": .string($0.id), "sig": .string(Hexadecimal.lower(try $0.sign(content)))]
        }
        return (["signed": .object(role), "signatures": .array(signatures)] as JSON).text
    }
}
