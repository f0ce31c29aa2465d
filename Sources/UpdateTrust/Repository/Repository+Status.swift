/// How a repository stands, for its publisher.
public struct RepositoryStatus: Sendable, Codable, Hashable {
    public struct Role: Sendable, Codable, Hashable {
        public var name: String
        public var version: Int64
        /// As metadata writes it.
        public var expires: String
        /// Until then; negative where it has expired.
        public var secondsLeft: Int64
        /// How many of `keys` must sign.
        public var threshold: Int
        public var keys: [String]
        /// How many of them are here to sign with.
        public var keysHere: Int
    }

    /// The top-level roles in TUF's order, then those delegated to.
    public var roles: [Role]
    public var targets: Int
    /// Bytes of all targets.
    public var bytes: Int64
    public var deltas: Int
    /// The line of `definitions/version`.
    public var definitions: String?
    /// Paths that the next publication adds or removes.
    public var stagedAdditions: [String]
    public var stagedRemovals: [String]
    /// A root that waits for signatures.
    public var waitingRoot: String?
}

extension Repository {
    public func status() throws(RepositoryFailure) -> RepositoryStatus {
        try explaining {
            let (current, now) = (try current(), clock())
            var roles: [RepositoryStatus.Role] = []
            let top = [current.root, current.timestamp, current.snapshot, current.targets[RoleName.targets]]
            let delegated = current.targets.values.filter { $0.role != RoleName.targets }.sorted { $0.role < $1.role }
            for document in top.compactMap({ $0 }) + delegated {
                let (ids, threshold) = current.keys(of: document.role) ?? ([], 1)
                let here = try keys(of: document.role).count { ids.contains($0.id) }
                let expires = document.expires ?? MetadataTime(seconds: 0)
                roles.append(
                    .init(
                        name: document.role, version: document.version, expires: "\(expires)",
                        secondsLeft: expires.seconds - now.seconds, threshold: threshold, keys: ids, keysHere: here))
            }
            var (count, bytes, deltas) = (0, Int64(0), 0)
            for document in current.targets.values {
                for member in document[object: "targets"].members {
                    guard case .object(let target) = member.value else { continue }
                    if member.key.hasPrefix("deltas/") { deltas += 1 } else { count += 1 }
                    if case .integer(let length) = target["length"] { bytes += length }
                }
            }
            let staged = try staged()
            return RepositoryStatus(
                roles: roles, targets: count, bytes: bytes, deltas: deltas, definitions: try definitionsVersion(),
                stagedAdditions: staged.additions.keys.sorted(), stagedRemovals: staged.removals.sorted(),
                waitingRoot: try waitingRoot(current)?.file)
        }
    }
}
