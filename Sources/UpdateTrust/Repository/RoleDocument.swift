internal import OpenSSL

/// What a role says, as JSON that is edited and signed anew: whatever else is in it stays.
struct RoleDocument {
    let role: String
    var signed: JSONObject

    /// The part `signed` of a file of metadata.
    init(role: String, file: JSON) throws(MetadataError) {
        self.role = role
        signed = try JSONFields(file, at: "").fields("signed").object
    }

    /// An empty one of version 0, which is renewed before it is written.
    init(role: String, type: String, _ more: JSONObject) {
        self.role = role
        signed = ["_type": .string(type), "spec_version": "1.0.34", "version": 0, "expires": "1970-01-01T00:00:00Z"]
        for member in more.members { signed[member.key] = member.value }
    }

    var version: Int64 {
        if case .integer(let version) = signed["version"] { version } else { 0 }
    }

    var expires: MetadataTime? {
        if case .string(let text) = signed["expires"] { MetadataTime(text) } else { nil }
    }

    /// The next version, that ends in so many days.
    mutating func renew(days: Int, from now: MetadataTime) {
        signed["version"] = .integer(version + 1)
        signed["expires"] = .string("\(MetadataTime(seconds: now.seconds + Int64(days) * 86_400))")
    }

    /// The object at a key; an empty one where there is none.
    subscript(object key: String) -> JSONObject {
        get { if case .object(let object) = signed[key] { object } else { JSONObject() } }
        set { signed[key] = .object(newValue) }
    }

    /// The file: signed by each key once, after signatures that are there already.
    func file(signedBy keys: [SigningKey], adding former: [MetadataSignature] = []) throws -> [UInt8] {
        let content = JSON.object(signed).canonical
        var signatures: [JSON] = []
        var done: Set<String> = []
        for signature in former where done.insert(signature.keyID).inserted {
            signatures.append([
                "keyid": .string(signature.keyID), "sig": .string(Hexadecimal.lower(signature.bytes)),
            ])
        }
        for key in keys where done.insert(key.id).inserted {
            signatures.append([
                "keyid": .string(key.id), "sig": .string(Hexadecimal.lower(try key.sign(content))),
            ])
        }
        let file: JSON = ["signatures": .array(signatures), "signed": .object(signed)]
        return file.text + [0x0A]
    }
}

extension RoleDocument {
    /// What a role of a root, or a delegation, says of its keys.
    func roleKeys(_ role: String) -> (ids: [String], threshold: Int) {
        guard case .object(let roles) = signed["roles"], case .object(let found) = roles[role] else { return ([], 1) }
        return Self.keys(of: found)
    }

    static func keys(of object: JSONObject) -> (ids: [String], threshold: Int) {
        var ids: [String] = []
        if case .array(let items) = object["keyids"] {
            ids = items.compactMap { if case .string(let id) = $0 { id } else { nil } }
        }
        if case .integer(let threshold) = object["threshold"] { return (ids, Int(clamping: threshold)) }
        return (ids, 1)
    }

    /// Makes these the keys of a root's role; keys that no role has any more are left out.
    mutating func set(_ role: String, ids: [String], threshold: Int, adding keys: [PublicKey]) {
        var roles = self[object: "roles"]
        var entry: JSONObject = if case .object(let object) = roles[role] { object } else { JSONObject() }
        entry["keyids"] = .array(ids.map { .string($0) })
        entry["threshold"] = .integer(Int64(threshold))
        roles[role] = .object(entry)
        self[object: "roles"] = roles
        var listed = self[object: "keys"]
        for key in keys { listed[key.id] = key.json }
        let used = Set(RoleName.topLevel.flatMap { roleKeys($0).ids })
        self[object: "keys"] = JSONObject(listed.members.filter { used.contains($0.key) })
    }

    /// The same for a role that this one delegates to.
    mutating func set(delegated role: String, ids: [String], threshold: Int, adding keys: [PublicKey]) {
        var delegations = self[object: "delegations"]
        guard case .array(var roles) = delegations["roles"] else { return }
        var used: Set<String> = []
        for index in roles.indices {
            guard case .object(var entry) = roles[index] else { continue }
            if entry["name"] == .string(role) {
                entry["keyids"] = .array(ids.map { .string($0) })
                entry["threshold"] = .integer(Int64(threshold))
                roles[index] = .object(entry)
            }
            used.formUnion(Self.keys(of: entry).ids)
        }
        var listed: JSONObject = if case .object(let object) = delegations["keys"] { object } else { JSONObject() }
        for key in keys { listed[key.id] = key.json }
        delegations["keys"] = .object(JSONObject(listed.members.filter { used.contains($0.key) }))
        delegations["roles"] = .array(roles)
        self[object: "delegations"] = delegations
    }
}
