import Locks
import UpdateTrust

/// A vendor's repository in memory: what a test publishes, signed with keys of its own.
final class Vendor {
    private let keys: [String: SigningKey]
    private(set) var version: Int64 = 0
    /// What servers serve, by path below their base.
    private(set) var files: [String: [UInt8]] = [:]
    let root: [UInt8]

    init() throws {
        var keys: [String: SigningKey] = [:]
        for role in ["root", "timestamp", "snapshot", "targets"] { keys[role] = try SigningKey.make(.ed25519) }
        self.keys = keys
        var listed = JSONObject()
        var roles = JSONObject()
        for (role, key) in keys {
            listed[key.id] = key.publicKey.json
            roles[role] = ["keyids": [.string(key.id)], "threshold": 1]
        }
        root = try Self.signed(
            "root", version: 1, ["consistent_snapshot": true, "keys": .object(listed), "roles": .object(roles)], keys)
        files["metadata/1.root.json"] = root
    }

    /// Publishes the next snapshot. A target may say more of itself.
    func publish(_ targets: [String: [UInt8]], custom: [String: JSON] = [:], lengths: [String: Int64] = [:]) throws {
        version += 1
        var listed = JSONObject()
        for (path, bytes) in targets {
            let digest = FileHashes.sha256(of: bytes) ?? ""
            var fields: JSONObject = [
                "hashes": ["sha256": .string(digest)], "length": .integer(lengths[path] ?? Int64(bytes.count)),
            ]
            if let said = custom[path] { fields["custom"] = said }
            listed[path] = .object(fields)
            var parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
            parts[parts.count - 1] = "\(digest).\(parts[parts.count - 1])"
            files["targets/" + parts.joined(separator: "/")] = bytes
        }
        files["metadata/\(version).targets.json"] = try Self.signed(
            "targets", version: version, ["targets": .object(listed)], keys)
        files["metadata/\(version).snapshot.json"] = try Self.signed(
            "snapshot", version: version, ["meta": ["targets.json": ["version": .integer(version)]]], keys)
        files["metadata/timestamp.json"] = try Self.signed(
            "timestamp", version: version, ["meta": ["snapshot.json": ["version": .integer(version)]]], keys)
    }

    /// Version `version` of definitions of some lines, as targets; and a delta from another content.
    static func definitions(_ version: String, lines: Int = 200) -> [String: [UInt8]] {
        [
            "definitions/version": Array("\(version)\n".utf8),
            "definitions/main.hsb": Array(
                (String(repeating: "a line of definitions\n", count: lines) + "of \(version)\n").utf8),
        ]
    }

    static func delta(
        _ path: String, from old: [UInt8], to new: [UInt8]
    ) -> (path: String, custom: JSON) {
        let (from, to) = (FileHashes.sha256(of: old) ?? "", FileHashes.sha256(of: new) ?? "")
        return (
            "deltas/\(path)/\(from.prefix(12))-\(to.prefix(12)).zst",
            ["delta": ["from": .string(from), "to": .string(to)]]
        )
    }

    private static func signed(
        _ role: String, version: Int64, _ more: JSONObject, _ keys: [String: SigningKey]
    ) throws -> [UInt8] {
        var fields: JSONObject = [
            "_type": .string(role), "spec_version": "1.0.34", "version": .integer(version),
            "expires": "2090-01-01T00:00:00Z",
        ]
        for member in more.members { fields[member.key] = member.value }
        guard let key = keys[role] else { return [] }
        let content = JSON.object(fields)
        let signature = try key.sign(content.canonical).map { byte in
            (byte < 16 ? "0" : "") + String(byte, radix: 16)
        }.joined()
        let envelope: JSON = [
            "signatures": [["keyid": .string(key.id), "sig": .string(signature)]], "signed": content,
        ]
        return envelope.text
    }
}
