import UpdateTrust

/// What a snapshot has for this workstation. Pure: a snapshot whose definitions cannot be those of a workstation is refused
/// before anything of them is fetched.
struct UpdateOffer: Sendable {
    struct Limits: Sendable {
        /// Bytes of a whole set.
        var setSize: UInt64 = 4 << 30
        var setFiles = 1000
        /// Bytes of another file.
        var fileSize: UInt64 = 16 << 30
    }

    static let setFolder = "definitions/"
    static let deltaFolder = "deltas/"
    static let fileFolder = "files/"
    static let versionName = "version"

    let snapshot: Int64
    let consistentSnapshot: Bool
    /// The files of the set of definitions, by path.
    let set: [TargetFile]
    let deltas: [TargetFile]
    /// Other files.
    let files: [TargetFile]
    let identity: String

    /// Whether the set has a file that names its version.
    var namesVersion: Bool { self.set.contains { Self.name(of: $0) == Self.versionName } }

    init(
        snapshot: Int64, consistentSnapshot: Bool, targets: [TargetFile], limits: Limits = Limits()
    ) throws(UpdateError) {
        self.snapshot = snapshot
        self.consistentSnapshot = consistentSnapshot
        let targets = targets.sorted { $0.path < $1.path }
        set = targets.filter { $0.path.hasPrefix(Self.setFolder) }
        deltas = targets.filter { $0.path.hasPrefix(Self.deltaFolder) && $0.delta != nil }
        files = targets.filter { $0.path.hasPrefix(Self.fileFolder) }
        identity = DefinitionsSet.identity(of: set)
        try checkSet(limits)
    }

    private func checkSet(_ limits: Limits) throws(UpdateError) {
        guard set.count <= limits.setFiles else {
            throw UpdateError(
                .tooMany,
                "the snapshot \(snapshot) has \(set.count) files of definitions, and \(limits.setFiles) are taken")
        }
        var left = limits.setSize
        for target in set {
            if let trouble = Self.trouble(of: target) { throw UpdateError(.unsafePath, trouble) }
            guard target.hashes.prefix != nil else {
                throw UpdateError(
                    .noTarget,
                    "'\(target.path)' has no digest that can be checked here, only: "
                        + target.hashes.unknown.joined(separator: ", "))
            }
            guard target.length <= left else {
                throw UpdateError(
                    .tooLarge, "the definitions of snapshot \(snapshot) are larger than \(limits.setSize) bytes")
            }
            left -= target.length
        }
    }

    /// Why the file could not be one of a set; nil: it can.
    private static func trouble(of target: TargetFile) -> String? {
        if let trouble = TargetPath.trouble(target.path) { return trouble }
        let name = target.path.dropFirst(setFolder.count)
        if name.contains("/") || name.hasPrefix(".") {
            return "'\(target.path)' is not a file directly in definitions/, or its name begins with a dot"
        }
        return nil
    }

    /// The name of a file of the set in its folder.
    static func name(of target: TargetFile) -> String { String(target.path.dropFirst(setFolder.count)) }
}

extension UpdateOffer {
    /// Asks all roles. Each path is what the first role that signs for it says (TUF section 5.6.7).
    static func read(
        _ client: UpdateClient, _ refreshed: TrustedMetadata, limits: Limits = Limits()
    ) async throws(UpdateError) -> UpdateOffer {
        var trusted = refreshed
        try await client.loadAll(&trusted)
        var paths: Set<String> = []
        for role in trusted.targets.values { paths.formUnion(role.role.targets.keys) }
        var targets: [TargetFile] = []
        for path in paths
        where [setFolder, deltaFolder, fileFolder].contains(where: { path.hasPrefix($0) }) {
            if let target = try await client.find(path, in: &trusted) { targets.append(target) }
        }
        return try UpdateOffer(
            snapshot: trusted.snapshot?.role.version ?? 0, consistentSnapshot: trusted.root.role.consistentSnapshot,
            targets: targets, limits: limits)
    }
}
