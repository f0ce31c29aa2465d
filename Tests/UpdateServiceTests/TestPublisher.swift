import FoundationEssentials
import Glibc
import Locks
import Testing

@testable import UpdateTrust

/// A publisher with a repository of its own in a folder that is removed at the end.
final class TestPublisher {
    let folder: String
    let root: SigningKey
    private let online: SigningKey
    private let delegate: SigningKey
    var version: Int64 = 0
    var rootVersion: Int64 = 0
    var expires = MetadataTime(seconds: MetadataTime.now().seconds + 86_400 * 30)
    var consistent = true

    init() throws {
        var template = Array("/tmp/muster-publisher-XXXXXX".utf8CString)
        folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        root = try SigningKey.make(.ed25519)
        online = try SigningKey.make(.ed25519)
        delegate = try SigningKey.make(.ed25519)
        for name in ["repository", "repository/metadata", "repository/targets"] { mkdir("\(folder)/\(name)", 0o755) }
        try publishRoot()
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    var repository: String { "\(folder)/repository" }
    var rootPath: String { "\(repository)/metadata/1.root.json" }

    private func write(_ name: String, _ bytes: [UInt8]) throws {
        let path = "\(repository)/\(name)"
        try FileManager.default.createDirectory(
            atPath: String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]), withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(filePath: path))
    }

    private func sign(_ signed: JSON, _ key: SigningKey) throws -> [UInt8] {
        let signature = try key.sign(signed.canonical).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
        let envelope: JSON = ["signatures": [["keyid": .string(key.id), "sig": .string(signature)]], "signed": signed]
        return envelope.canonical
    }

    private func entry(_ key: SigningKey) -> JSON {
        ["keyids": [.string(key.id)], "threshold": 1]
    }

    func publishRoot() throws {
        rootVersion += 1
        var keys = JSONObject()
        for key in [root, online] { keys[key.id] = try JSON(parsing: key.publicKey.json.canonical) }
        let signed: JSON = [
            "_type": "root", "spec_version": "1.0.34", "version": .integer(rootVersion),
            "expires": .string("\(expires)"), "consistent_snapshot": .bool(consistent), "keys": .object(keys),
            "roles": [
                "root": entry(root), "timestamp": entry(online), "snapshot": entry(online), "targets": entry(online),
            ],
        ]
        try write("metadata/\(rootVersion).root.json", try sign(signed, root))
    }

    private func target(_ bytes: [UInt8]) throws -> JSON {
        let sha256 = try #require(FileHashes.sha256(of: bytes))
        return ["length": .integer(Int64(bytes.count)), "hashes": ["sha256": .string(sha256)]]
    }

    /// Publishes these files, those below `extra/` by a delegated role.
    func publish(_ files: [String: String], expires other: MetadataTime? = nil) throws {
        version += 1
        let expires = "\(other ?? self.expires)"
        var (own, delegated) = (JSONObject(), JSONObject())
        for (path, text) in files {
            let bytes = Array(text.utf8)
            let sha256 = try #require(FileHashes.sha256(of: bytes))
            let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
            try write("targets/\(path[..<slash])\(sha256).\(path[slash...])", bytes)
            if path.hasPrefix("extra/") { delegated[path] = try target(bytes) } else { own[path] = try target(bytes) }
        }
        func signed(_ targets: JSONObject) -> JSONObject {
            [
                "_type": "targets", "spec_version": "1.0.34", "version": .integer(version),
                "expires": .string(expires), "targets": .object(targets),
            ]
        }
        var top = signed(own)
        top["delegations"] = [
            "keys": .object([delegate.id: try JSON(parsing: delegate.publicKey.json.canonical)]),
            "roles": [
                [
                    "name": "extra", "keyids": [.string(delegate.id)], "threshold": 1, "terminating": true,
                    "paths": ["extra/*"],
                ]
            ],
        ]
        try write("metadata/\(version).extra.json", try sign(.object(signed(delegated)), delegate))
        try write("metadata/\(version).targets.json", try sign(.object(top), online))
        let snapshot: JSON = [
            "_type": "snapshot", "spec_version": "1.0.34", "version": .integer(version), "expires": .string(expires),
            "meta": [
                "targets.json": ["version": .integer(version)], "extra.json": ["version": .integer(version)],
            ],
        ]
        try write("metadata/\(version).snapshot.json", try sign(snapshot, online))
        let timestamp: JSON = [
            "_type": "timestamp", "spec_version": "1.0.34", "version": .integer(version),
            "expires": .string(expires), "meta": ["snapshot.json": ["version": .integer(version)]],
        ]
        try write("metadata/timestamp.json", try sign(timestamp, online))
    }
}

/// Fetches from a folder, and fails where a test wants it.
final class FolderTransport: UpdateTransport {
    let base: String
    let folder: String
    let asked = Locked<[String]>([])
    let failure = Locked<(@Sendable (String) -> TransportFailure?)?>(nil)
    /// What is answered in place of a document.
    let answer = Locked<(@Sendable (String) -> [UInt8]?)?>(nil)

    init(_ folder: String, base: String = "https://vendor.example") {
        self.folder = folder
        self.base = base
    }

    private func bytes(_ url: String) throws(TransportFailure) -> [UInt8] {
        asked.withLock { $0.append(String(url.dropFirst(base.count))) }
        if let failure = failure.withLock({ $0 })?(url) { throw failure }
        if let bytes = answer.withLock({ $0 })?(url) { return bytes }
        guard let data = FileManager.default.contents(atPath: folder + url.dropFirst(base.count)) else {
            throw TransportFailure(.notFound, "\(url) is not there (404)", status: 404)
        }
        return [UInt8](data)
    }

    func fetch(_ url: String, upTo limit: Int) async throws(TransportFailure) -> [UInt8] {
        let bytes = try bytes(url)
        guard bytes.count <= limit else { throw TransportFailure(.tooLarge, "\(url) is larger than \(limit) bytes") }
        return bytes
    }

    func download(
        _ url: String, to file: Int32, from offset: UInt64, upTo limit: UInt64,
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws(TransportFailure) {
        let bytes = try bytes(url).dropFirst(Int(offset)).prefix(Int(clamping: limit))
        _ = pwrite(file, Array(bytes), bytes.count, off_t(offset))
        progress(offset + UInt64(bytes.count))
    }
}
