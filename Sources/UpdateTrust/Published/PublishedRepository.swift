internal import Files
internal import Glibc

/// What a repository on disk says at present, as one who serves it reads it: lengths and digests hold it together, and
/// signatures are not looked at, for the folder is the reader's own. Who fetches from it verifies everything.
public struct PublishedRepository: Sendable {
    /// A role and how long what it says is good.
    public struct Role: Hashable, Sendable {
        public var name: String
        public var version: Int64
        public var expires: MetadataTime

        public init(name: String, version: Int64, expires: MetadataTime) {
            self.name = name
            self.version = version
            self.expires = expires
        }
    }

    public var timestamp: Role
    public var snapshot: Role
    /// `root` where there is one, timestamp, snapshot, targets, then delegated roles in the order they are asked in.
    public var roles: [Role]
    /// By path: who is asked first has the say (TUF section 5.6.7).
    public var targets: [String: TargetFile]

    /// Reads the folder that has `metadata` and `targets` in it. Blocks.
    ///
    /// A publication while it reads is no matter: what a timestamp names stays for a time. Throws `missing` where there is
    /// no repository yet.
    public init(reading folder: String, limits: MetadataLimits = MetadataLimits()) throws(UpdateError) {
        let metadata = "\(folder)/metadata"
        let timestamp: SignedMetadata<TimestampMetadata> = try Self.read(
            "\(metadata)/timestamp.json", RoleName.timestamp, nil, limits.timestamp)
        let named = timestamp.role.snapshot
        let snapshot: SignedMetadata<SnapshotMetadata> = try Self.read(
            "\(metadata)/\(named.version).snapshot.json", RoleName.snapshot, named, named.length ?? limits.snapshot)
        self.timestamp = Role(
            name: RoleName.timestamp, version: timestamp.role.version, expires: timestamp.role.expires)
        self.snapshot = Role(name: RoleName.snapshot, version: snapshot.role.version, expires: snapshot.role.expires)
        var roles: [Role] = []
        if let root = try? Self.newestRoot(in: metadata, limits.root) {
            roles.append(Role(name: RoleName.root, version: root.version, expires: root.expires))
        }
        roles += [self.timestamp, self.snapshot]
        var targets: [String: TargetFile] = [:]
        var visited: Set<String> = []
        // A path that an earlier, terminating delegation has taken is nobody else's to speak of.
        var pending: [(name: String, mayName: @Sendable (String) -> Bool)] = [(RoleName.targets, { _ in true })]
        while let (name, mayName) = pending.popLast() {
            guard visited.insert(name).inserted, visited.count <= Self.roleLimit,
                let file = snapshot.role.roles[name]
            else { continue }
            let read: SignedMetadata<TargetsMetadata> = try Self.read(
                "\(metadata)/\(file.version).\(RoleName.encoded(name)).json", name, file,
                file.length ?? limits.targets)
            roles.append(Role(name: name, version: read.role.version, expires: read.role.expires))
            for (path, target) in read.role.targets where targets[path] == nil && mayName(path) {
                targets[path] = target
            }
            var before: [Delegation] = []
            var next: [(name: String, mayName: @Sendable (String) -> Bool)] = []
            for delegation in read.role.delegations {
                let terminating = before.filter(\.isTerminating)
                next.append(
                    (
                        delegation.name,
                        { path in
                            mayName(path) && delegation.covers(path) && !terminating.contains { $0.covers(path) }
                        }
                    ))
                before.append(delegation)
            }
            pending += next.reversed()
        }
        self.roles = roles
        self.targets = targets
    }

    private static let roleLimit = 1000

    /// The root with the highest number without a gap from the lowest.
    private static func newestRoot(in metadata: String, _ limit: Int) throws(UpdateError) -> RootMetadata {
        var newest: Int64 = 0
        do {
            let folder = try DurableFiles.open(metadata, O_RDONLY | O_DIRECTORY, doing: "list")
            let listing = try FolderListing(of: folder)
            while let entry = try listing.next() {
                let name = String(decoding: entry.name, as: UTF8.self)
                guard name.hasSuffix(".root.json"), let version = Int64(name.dropLast(10)) else { continue }
                newest = max(newest, version)
            }
        } catch {
            throw UpdateError(storage: error)
        }
        let root: SignedMetadata<RootMetadata> = try read(
            "\(metadata)/\(newest).root.json", RoleName.root, nil, limit)
        return root.role
    }

    private static func read<R>(
        _ path: String, _ role: String, _ named: MetadataFile?, _ limit: Int
    ) throws(UpdateError) -> SignedMetadata<R> {
        let bytes: [UInt8]
        do throws(FileFailure) {
            bytes = try DurableFiles.read(path, upTo: limit)
        } catch {
            guard error.isMissingFile else { throw UpdateError(storage: error) }
            throw UpdateError(.missing, role: role, "\(path) is missing")
        }
        if let length = named?.length, bytes.count != length {
            throw UpdateError(.mismatch, role: role, "\(path) has \(bytes.count) bytes, and should have \(length)")
        }
        if let hashes = named?.hashes, !hashes.match(bytes) {
            throw UpdateError(.mismatch, role: role, "\(path) is not what the file that names it says")
        }
        do throws(MetadataError) {
            return try SignedMetadata(bytes)
        } catch {
            throw UpdateError(.malformed, role: role, "\(path): \(error)")
        }
    }
}

extension TargetFile {
    /// The path of its file in a repository with consistent snapshots, below `targets`, for each digest that is known
    /// here: `definitions/<sha256>.main.hsb`. The first is the one that clients ask for.
    public var consistentPaths: [String] {
        let slash = path.lastIndex(of: "/").map { path.index(after: $0) } ?? path.startIndex
        return hashes.known.map { "\(path[..<slash])\($0.digest).\(path[slash...])" }
    }
}
