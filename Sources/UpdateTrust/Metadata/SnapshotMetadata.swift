/// Which versions of all targets roles belong together (TUF section 4.4).
public struct SnapshotMetadata: MetadataRole {
    public static let type = RoleName.snapshot

    public let version: Int64
    public let expires: MetadataTime
    /// By the name of the role, not of its file.
    public let roles: [String: MetadataFile]

    public init(_ signed: JSONObject) throws(MetadataError) {
        let fields = try JSONFields(.object(signed), at: "signed")
        (version, expires) = (try fields.version(), try fields.expires())
        let meta = try fields.fields("meta")
        var roles: [String: MetadataFile] = [:]
        for member in meta.object.members {
            guard member.key.hasSuffix(".json") else {
                throw MetadataError(meta.place, "'\(member.key.prefix(80))' does not end in .json")
            }
            roles[String(member.key.dropLast(5))] = try MetadataFile(try meta.fields(member))
        }
        guard roles[RoleName.targets] != nil else { throw MetadataError(meta.place, "targets.json is missing") }
        self.roles = roles
    }
}
