/// Which snapshot is the newest (TUF section 4.6).
public struct TimestampMetadata: MetadataRole {
    public static let type = RoleName.timestamp

    public let version: Int64
    public let expires: MetadataTime
    public let snapshot: MetadataFile

    public init(_ signed: JSONObject) throws(MetadataError) {
        let fields = try JSONFields(.object(signed), at: "signed")
        (version, expires) = (try fields.version(), try fields.expires())
        snapshot = try MetadataFile(try fields.fields("meta").fields("snapshot.json"))
    }
}

/// What another file of metadata must be.
public struct MetadataFile: Hashable, Sendable {
    public var version: Int64
    /// Bytes; nil: not said.
    public var length: Int?
    public var hashes: FileHashes?

    public init(version: Int64, length: Int? = nil, hashes: FileHashes? = nil) {
        self.version = version
        self.length = length
        self.hashes = hashes
    }

    init(_ fields: JSONFields) throws(MetadataError) {
        version = try fields.integer("version", from: 1)
        if fields.object["length"] != nil { length = Int(clamping: try fields.integer("length", from: 0)) }
        hashes = try fields.fieldsIfPresent("hashes").map { fields throws(MetadataError) in try FileHashes(fields) }
    }
}
