/// Who may sign what (TUF section 4.3).
public struct RootMetadata: MetadataRole {
    public static let type = RoleName.root

    public let version: Int64
    public let expires: MetadataTime
    /// Whether files are called by their version or digest.
    public let consistentSnapshot: Bool
    public let keys: [String: PublicKey]
    /// Of the four top-level roles.
    public let roles: [String: RoleKeys]

    public init(_ signed: JSONObject) throws(MetadataError) {
        let fields = try JSONFields(.object(signed), at: "signed")
        (version, expires) = (try fields.version(), try fields.expires())
        consistentSnapshot =
            fields.object["consistent_snapshot"] == nil ? false : try fields.bool("consistent_snapshot")
        keys = try fields.keys()
        let listed = try fields.fields("roles")
        var roles: [String: RoleKeys] = [:]
        for role in RoleName.topLevel { roles[role] = try RoleKeys(try listed.fields(role), keys: keys) }
        self.roles = roles
    }

    /// nil for what is no top-level role.
    public func keys(of role: String) -> RoleKeys? { roles[role] }
}

extension JSONFields {
    /// The greatest number is none: there is always a next version.
    func version() throws(MetadataError) -> Int64 {
        let version = try integer("version", from: 1)
        guard version < .max else { throw MetadataError(at("version"), "it is too large for another to follow") }
        return version
    }

    func expires() throws(MetadataError) -> MetadataTime {
        let text = try string("expires")
        guard let time = MetadataTime(text) else {
            throw MetadataError(at("expires"), "'\(text.prefix(40))' is not written as 2030-01-31T23:59:59Z")
        }
        return time
    }

    /// By the number that each is listed under, which need not be its own.
    func keys() throws(MetadataError) -> [String: PublicKey] {
        let listed = try fields("keys")
        var keys: [String: PublicKey] = [:]
        for member in listed.object.members {
            keys[member.key] = try PublicKey(member.value, at: listed.at(member.key))
        }
        return keys
    }
}
