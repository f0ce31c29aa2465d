import UpdateTrust

/// What a repository on disk lacks of what is trusted, and in which order it gets it. Pure.
///
/// Targets first, then roots, delegated and top-level targets, the snapshot, and the timestamp last: a client in the middle
/// of a refresh finds all that its timestamp leads to, before, during and after.
struct MirrorPlan: Sendable, Equatable {
    /// A target that is to be fetched into `targets/<path>`.
    struct Fetch: Sendable, Equatable {
        var target: TargetFile
        var path: String
    }

    /// A second name of a file below `targets`.
    struct Link: Sendable, Equatable {
        var from: String
        var to: String
    }

    struct Metadata: Sendable, Equatable {
        /// Below `metadata`.
        var name: String
        var bytes: [UInt8]
    }

    var fetches: [Fetch] = []
    var links: [Link] = []
    /// In the order in which they are written.
    var metadata: [Metadata] = []
    /// What the publication consists of: `targets/…` and `metadata/…`.
    var keeps: Set<String> = []
    /// Bytes of all targets.
    var bytes: UInt64 = 0
    var targetCount = 0

    /// - Parameters:
    ///   - trusted: refreshed, with every delegated role.
    ///   - filter: which targets are wanted.
    ///   - present: sizes of the files below the repository, `targets/…`.
    /// - Throws: `unsafePath`, and `noTarget` where no digest of a target is known here.
    init(
        _ trusted: TrustedMetadata, _ filter: TargetFilter, present: [String: UInt64]
    ) throws(UpdateError) {
        let roles = trusted.targets.sorted { $0.key < $1.key }
        for (role, file) in roles {
            for target in file.role.targets.values.sorted(by: { $0.path < $1.path }) where filter.wants(target.path) {
                try add(target, of: role, present)
            }
        }
        for (role, file) in roles where role != RoleName.targets { add(file.bytes, role, file.role.version) }
        if let file = trusted.targets[RoleName.targets] { add(file.bytes, RoleName.targets, file.role.version) }
        if let file = trusted.snapshot { add(file.bytes, RoleName.snapshot, file.role.version) }
        if let file = trusted.timestamp { metadata.append(Metadata(name: Self.timestamp, bytes: file.bytes)) }
        keeps.insert("metadata/\(Self.timestamp)")
    }

    static let timestamp = "timestamp.json"

    private mutating func add(
        _ target: TargetFile, of role: String, _ present: [String: UInt64]
    ) throws(UpdateError) {
        if let trouble = TargetPath.trouble(target.path) { throw UpdateError(.unsafePath, role: role, trouble) }
        let paths = target.consistentPaths
        guard let first = paths.first else {
            throw UpdateError(
                .noTarget, role: role,
                "'\(target.path)' has no digest that can be checked here, only: "
                    + target.hashes.unknown.joined(separator: ", "))
        }
        // Two roles, or two targets, may name the same file.
        guard !keeps.contains("targets/\(first)") else { return }
        let there = paths.filter { present["targets/\($0)"] == target.length }
        if there.isEmpty { fetches.append(Fetch(target: target, path: first)) }
        let from = there.first ?? first
        for path in paths where path != from && !there.contains(path) { links.append(Link(from: from, to: path)) }
        for path in paths { keeps.insert("targets/\(path)") }
        bytes += target.length
        targetCount += 1
    }

    private mutating func add(_ bytes: [UInt8], _ role: String, _ version: Int64) {
        let name = "\(version).\(RoleName.encoded(role)).json"
        metadata.append(Metadata(name: name, bytes: bytes))
        keeps.insert("metadata/\(name)")
    }

    /// Bytes that are to be fetched.
    var missingBytes: UInt64 { fetches.reduce(0) { $0 + $1.target.length } }
}

/// Which targets are mirrored.
struct TargetFilter: Sendable, Equatable {
    private let patterns: [PathPattern]
    private let prefixes: [String]

    /// - Parameter patterns: none: all. One that ends in a slash takes all below.
    init(_ patterns: [String] = []) {
        self.patterns = patterns.filter { !$0.hasSuffix("/") }.map { PathPattern($0) }
        prefixes = patterns.filter { $0.hasSuffix("/") }
    }

    func wants(_ path: String) -> Bool {
        if patterns.isEmpty && prefixes.isEmpty { return true }
        return patterns.contains { $0.matches(path) } || prefixes.contains { path.hasPrefix($0) }
    }
}
