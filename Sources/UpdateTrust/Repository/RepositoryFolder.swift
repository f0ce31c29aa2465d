internal import Files
internal import Glibc

/// Where a repository's files are. What begins with a dot is the publisher's own and is never served.
///
///     metadata/  timestamp.json, N.root.json, N.snapshot.json, N.targets.json, N.<role>.json
///     targets/   <folders>/<sha256>.<name>
///     .keys/<role>/<number>.pem    private keys; the root's perhaps elsewhere
///     .staged/   what the next publication changes
///     .settings.json .lock
struct RepositoryFolder: Sendable {
    let path: String

    var metadata: String { "\(path)/metadata" }
    var targets: String { "\(path)/targets" }
    var staged: String { "\(path)/.staged" }
    var stagedFiles: String { "\(staged)/files" }
    var changes: String { "\(staged)/changes.json" }
    var settings: String { "\(path)/.settings.json" }

    /// A file of metadata; timestamp alone has no version in its name.
    func file(_ role: String, _ version: Int64) -> String {
        role == RoleName.timestamp
            ? "\(metadata)/timestamp.json" : "\(metadata)/\(version).\(RoleName.encoded(role)).json"
    }

    /// `dir/name` as `<targets>/dir/<digest>.name`.
    func file(target path: String, digest: String) -> String {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let name = parts.popLast() ?? ""
        return ([targets] + parts + ["\(digest).\(name)"]).joined(separator: "/")
    }

    /// The newest root; 0 where there is none.
    func newestRoot() -> Int64 {
        var version: Int64 = 0
        while access(file(RoleName.root, version + 1), F_OK) == 0 { version += 1 }
        return version
    }

    func readJSON(_ path: String) throws -> JSON { try JSON(parsing: try DurableFiles.read(path, upTo: 64 << 20)) }
}
