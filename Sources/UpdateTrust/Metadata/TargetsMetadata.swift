/// Which files there are, and who else may say so (TUF section 4.5).
public struct TargetsMetadata: MetadataRole {
    public static let type = RoleName.targets

    public let version: Int64
    public let expires: MetadataTime
    /// By path.
    public let targets: [String: TargetFile]
    public let delegations: [Delegation]

    public init(_ signed: JSONObject) throws(MetadataError) {
        let fields = try JSONFields(.object(signed), at: "signed")
        (version, expires) = (try fields.version(), try fields.expires())
        let listed = try fields.fields("targets")
        var targets: [String: TargetFile] = [:]
        targets.reserveCapacity(listed.object.members.count)
        for member in listed.object.members {
            targets[member.key] = try TargetFile(
                path: member.key, JSONFields(member.value, at: "\(listed.place)['\(member.key.prefix(200))']"))
        }
        self.targets = targets
        delegations = try Self.delegations(try fields.fieldsIfPresent("delegations"))
    }

    private static func delegations(_ fields: JSONFields?) throws(MetadataError) -> [Delegation] {
        guard let fields else { return [] }
        let keys = try fields.keys()
        if fields.object["succinct_roles"] != nil, fields.object["roles"] == nil {
            throw MetadataError(fields.place, "succinct hash bins (TAP 15) are not understood here")
        }
        var delegations: [Delegation] = []
        var names: Set<String> = []
        for (index, item) in try fields.array("roles").enumerated() {
            let delegation = try Delegation(JSONFields(item, at: "\(fields.place).roles[\(index)]"), keys: keys)
            guard names.insert(delegation.name).inserted else {
                throw MetadataError("\(fields.place).roles[\(index)]", "'\(delegation.name)' is delegated to twice")
            }
            delegations.append(delegation)
        }
        return delegations
    }
}

/// A file that is signed for.
public struct TargetFile: Hashable, Sendable {
    public var path: String
    /// Bytes.
    public var length: UInt64
    public var hashes: FileHashes
    public var custom: JSONObject?

    public init(path: String, length: UInt64, hashes: FileHashes, custom: JSONObject? = nil) {
        self.path = path
        self.length = length
        self.hashes = hashes
        self.custom = custom
    }

    init(path: String, _ fields: JSONFields) throws(MetadataError) {
        self.path = path
        length = UInt64(try fields.integer("length", from: 0))
        hashes = try FileHashes(try fields.fields("hashes"))
        custom = try fields.fieldsIfPresent("custom")?.object
    }

    /// From and to which content it leads, where it is a delta: SHA-256 each, in hexadecimal.
    public var delta: (from: String, to: String)? {
        guard case .object(let delta) = custom?["delta"], case .string(let from) = delta["from"],
            case .string(let to) = delta["to"]
        else { return nil }
        return (from, to)
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.path == right.path && left.length == right.length && left.hashes == right.hashes
            && left.custom == right.custom
    }
}

/// A role that part of the targets is left to.
public struct Delegation: Hashable, Sendable {
    public var name: String
    public var keys: RoleKeys
    /// Whether nobody behind it is asked for what it may say.
    public var isTerminating: Bool
    public var scope: Scope

    public enum Scope: Hashable, Sendable {
        case patterns([PathPattern])
        /// Beginnings of the SHA-256 of a path, in hexadecimal.
        case hashPrefixes([String])
    }

    init(_ fields: JSONFields, keys all: [String: PublicKey]) throws(MetadataError) {
        name = try fields.string("name")
        guard !name.isEmpty, !RoleName.topLevel.contains(name), RoleName.encoded(name).utf8.count <= 200 else {
            throw MetadataError(
                fields.at("name"), "'\(name.prefix(80))' cannot be the name of a delegated role")
        }
        keys = try RoleKeys(fields, keys: all)
        isTerminating = try fields.bool("terminating")
        switch (fields.object["paths"], fields.object["path_hash_prefixes"]) {
        case (.some, nil): scope = .patterns(try fields.strings("paths").map { PathPattern($0) })
        case (nil, .some): scope = .hashPrefixes(try fields.strings("path_hash_prefixes").map { $0.lowercased() })
        default:
            throw MetadataError(fields.place, "there must be either paths or path_hash_prefixes")
        }
    }

    /// Whether the role may say anything of this path.
    public func covers(_ path: String) -> Bool {
        switch scope {
        case .patterns(let patterns): return patterns.contains { $0.matches(path) }
        case .hashPrefixes(let prefixes):
            guard let digest = FileHashes.sha256(of: Array(path.utf8)) else { return false }
            return prefixes.contains { digest.hasPrefix($0) }
        }
    }
}
