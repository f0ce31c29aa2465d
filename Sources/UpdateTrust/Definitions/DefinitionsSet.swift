/// A set of definitions of a workstation: all targets below `definitions/` of one snapshot.
public struct DefinitionsSet: Hashable, Sendable {
    /// Its folder's name.
    public var name: String
    /// The line of its file `version`.
    public var version: String
    /// What tells it from every other set, whatever the snapshot: see `identity(of:)`.
    public var identity: String
    /// The snapshot that it was first seen in.
    public var snapshot: Int64
    /// SHA-256 in hexadecimal by file name; no entry for a file of which only another digest is signed.
    public var files: [String: String]

    public init(version: String, identity: String, snapshot: Int64, files: [String: String]) {
        name = "\(Self.printable(version))-\(snapshot)"
        self.version = version
        self.identity = identity
        self.snapshot = snapshot
        self.files = files
    }

    /// SHA-256 over the names and digests of its files.
    public static func identity(of targets: [TargetFile]) -> String {
        let lines = targets.map { "\($0.path) \($0.length) \($0.hashes.prefix ?? "")\n" }.sorted()
        return FileHashes.sha256(of: lines.flatMap { Array($0.utf8) }) ?? ""
    }

    /// A version as part of a folder's name.
    static func printable(_ version: String) -> String {
        let text = String(
            version.prefix(64).map { $0.isASCII && ($0.isLetter || $0.isNumber || "._+-".contains($0)) ? $0 : "_" })
        return text.isEmpty || text.hasPrefix(".") ? "_" + text : text
    }

    // MARK: Its record, a file of the set's folder

    static let recordName = ".set"
    static let recordLimit = 1 << 20

    /// What the record's file holds.
    public var record: [UInt8] {
        var listed = JSONObject()
        for (name, digest) in files.sorted(by: { $0.key < $1.key }) { listed[name] = .string(digest) }
        let json: JSON = [
            "files": .object(listed), "identity": .string(identity), "snapshot": .integer(snapshot),
            "version": .string(version),
        ]
        return json.text + [10]
    }

    /// Throws `malformed`.
    init(name: String, record bytes: [UInt8]) throws(UpdateError) {
        do {
            let fields = try JSONFields(JSON(parsing: bytes), at: "")
            version = try fields.string("version")
            identity = try fields.string("identity")
            snapshot = try fields.integer("snapshot", from: 0)
            let listed = try fields.fields("files")
            var files: [String: String] = [:]
            for member in listed.object.members { files[member.key] = try listed.string(member.key) }
            self.files = files
            self.name = name
        } catch {
            throw UpdateError(.malformed, "the record of the definitions '\(name)' cannot be read: \(error)")
        }
    }
}
