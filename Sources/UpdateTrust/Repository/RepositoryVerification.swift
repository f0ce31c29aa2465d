internal import Files
internal import Glibc

/// Looks at a published repository as a client does, and further: every file that anything names.
public struct RepositoryVerification: Sendable {
    /// What was found wrong, a sentence each.
    public var troubles: [String] = []
    public var roots: Int64 = 0
    public var roles = 0
    public var targets = 0
    public var bytes: UInt64 = 0

    /// Verifies the directory: the chain of roots from the first, every role's signatures, threshold, expiry, length and digest,
    /// and the content of every target. Reads all files; blocks.
    /// - Parameter progress: called with each target's path before its content is read.
    public static func run(
        _ path: String, progress: @escaping (String) -> Void = { _ in }
    ) async -> RepositoryVerification {
        var result = RepositoryVerification()
        let trust = "\(path)/.verify.\(getpid())"
        defer { remove(trust) }
        do {
            let cache = MetadataCache(folder: trust)
            try UpdateClient.begin(
                cache, with: try DurableFiles.read("\(path)/metadata/1.root.json", upTo: MetadataLimits().root))
            let client = UpdateClient(cache: cache, metadataURL: "metadata", DirectoryTransport(folder: path))
            var trusted = try await client.refresh().metadata
            try await client.loadAll(&trusted)
            result.roots = trusted.root.role.version
            result.roles = trusted.targets.count
            if !trusted.root.role.consistentSnapshot {
                result.troubles.append("root: consistent_snapshot is not set: clients may find two versions mixed")
            }
            for (_, metadata) in trusted.targets.sorted(by: { $0.key < $1.key }) {
                for target in metadata.role.targets.values.sorted(by: { $0.path < $1.path }) {
                    progress(target.path)
                    result.look(at: target, in: path)
                }
            }
        } catch {
            result.troubles.append("\(error)")
        }
        return result
    }

    private mutating func look(at target: TargetFile, in path: String) {
        targets += 1
        if let trouble = TargetPath.trouble(target.path) {
            troubles.append(trouble)
            return
        }
        guard let digest = target.hashes.prefix else {
            troubles.append("'\(target.path)' has no digest that a client can check")
            return
        }
        let file = RepositoryFolder(path: path).file(target: target.path, digest: digest)
        let download = TargetDownload(target, baseURL: "", consistentSnapshot: true, partialFolder: "")
        do throws(UpdateError) {
            try download.verify(file)
            bytes += target.length
        } catch {
            troubles.append(error.message)
        }
    }

    private static func remove(_ trust: String) {
        for name in DurableFiles.names(in: trust) + [".lock", ".clock"] { unlink("\(trust)/\(name)") }
        rmdir(trust)
    }
}
