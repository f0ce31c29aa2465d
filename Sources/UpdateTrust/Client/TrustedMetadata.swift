/// What a client believes of a repository, and the rules by which it comes to believe more (TUF section 5.3 to 5.6). Pure:
/// bytes go in, in the order root, timestamp, snapshot, targets, delegated roles; each throws `UpdateError` and changes
/// nothing where they are not to be believed.
public struct TrustedMetadata: Sendable {
    /// Fixed once for a whole refresh.
    public let now: MetadataTime
    public private(set) var root: SignedMetadata<RootMetadata>
    public private(set) var timestamp: SignedMetadata<TimestampMetadata>?
    public private(set) var snapshot: SignedMetadata<SnapshotMetadata>?
    /// Whether the snapshot that is there is the one that the timestamp names. Kept, because its digest is behind it and
    /// each targets role asks.
    public private(set) var hasCurrentSnapshot = false
    /// The top-level role `targets` and those that it delegates to, as far as they were asked for.
    public private(set) var targets: [String: SignedMetadata<TargetsMetadata>] = [:]
    /// The keys that each of them was checked against last.
    private var targetsKeys: [String: RoleKeys] = [:]

    /// Begins with a root that is trusted because of where it comes from. It must be signed as it says itself; that it has
    /// expired does not matter.
    public init(root bytes: [UInt8], now: MetadataTime) throws(UpdateError) {
        self.now = now
        root = try Self.read(bytes, RoleName.root)
        try Self.verify(root, by: root.role.keys(of: RoleName.root), RoleName.root)
    }

    // MARK: Root (TUF section 5.3)

    /// Takes the next root: signed as the current one says and as it says itself, and exactly one version further.
    public mutating func update(root bytes: [UInt8]) throws(UpdateError) {
        let next: SignedMetadata<RootMetadata> = try Self.read(bytes, RoleName.root)
        try Self.verify(next, by: root.role.keys(of: RoleName.root), RoleName.root)
        guard next.role.version == root.role.version + 1 else {
            throw UpdateError(
                .mismatch, role: RoleName.root,
                "version \(root.role.version + 1) was asked for, and version \(next.role.version) came")
        }
        try Self.verify(next, by: next.role.keys(of: RoleName.root), RoleName.root)
        root = next
    }

    /// After the last root.
    public func checkRootExpiry() throws(UpdateError) { try check(root) }

    // MARK: Timestamp (TUF section 5.4)

    /// Takes a timestamp.
    /// - Parameter isCached: it was believed before: that it has expired does not matter yet.
    /// - Returns: false where it has the version that is known already: the known one stays.
    @discardableResult
    public mutating func update(timestamp bytes: [UInt8], isCached: Bool = false) throws(UpdateError) -> Bool {
        let next: SignedMetadata<TimestampMetadata> = try Self.read(bytes, RoleName.timestamp)
        try Self.verify(next, by: root.role.keys(of: RoleName.timestamp), RoleName.timestamp)
        if let timestamp {
            guard next.role.version >= timestamp.role.version else {
                throw UpdateError(
                    .rollback, role: RoleName.timestamp,
                    "version \(next.role.version) came, and version \(timestamp.role.version) is known already")
            }
            if next.role.version == timestamp.role.version { return false }
            guard next.role.snapshot.version >= timestamp.role.snapshot.version else {
                throw UpdateError(
                    .rollback, role: RoleName.timestamp,
                    "it names version \(next.role.snapshot.version) of snapshot, and version "
                        + "\(timestamp.role.snapshot.version) is known already")
            }
        }
        if !isCached { try check(next) }
        timestamp = next
        hasCurrentSnapshot = isSnapshotCurrent()
        return true
    }

    /// Before the timestamp that is there is built upon.
    public func checkTimestampExpiry() throws(UpdateError) { if let timestamp { try check(timestamp) } }

    // MARK: Snapshot (TUF section 5.5)

    /// Takes the snapshot that the timestamp names.
    /// - Parameter isCached: it was believed before: it may be older than the timestamp says, so that the next can be
    ///   compared with it, its digest is not looked at, and it may have expired.
    public mutating func update(snapshot bytes: [UInt8], isCached: Bool = false) throws(UpdateError) {
        guard let named = timestamp?.role.snapshot else { throw Self.outOfOrder(RoleName.snapshot) }
        if !isCached { try Self.check(bytes, named, RoleName.snapshot) }
        let next: SignedMetadata<SnapshotMetadata> = try Self.read(bytes, RoleName.snapshot)
        try Self.verify(next, by: root.role.keys(of: RoleName.snapshot), RoleName.snapshot)
        if !isCached { try Self.check(next.role.version, named.version, RoleName.snapshot, by: RoleName.timestamp) }
        if let snapshot {
            for (role, known) in snapshot.role.roles.sorted(by: { $0.key < $1.key }) {
                guard let file = next.role.roles[role] else {
                    throw UpdateError(.rollback, role: RoleName.snapshot, "the role '\(role)' is gone from it")
                }
                guard file.version >= known.version else {
                    throw UpdateError(
                        .rollback, role: RoleName.snapshot,
                        "it names version \(file.version) of '\(role)', and version \(known.version) is known already")
                }
            }
        }
        if !isCached { try check(next) }
        snapshot = next
        hasCurrentSnapshot = isSnapshotCurrent()
    }

    private func isSnapshotCurrent() -> Bool {
        guard let snapshot, let named = timestamp?.role.snapshot else { return false }
        return snapshot.role.version == named.version
            && (try? Self.check(snapshot.bytes, named, RoleName.snapshot)) != nil
    }

    public func checkSnapshotExpiry() throws(UpdateError) { if let snapshot { try check(snapshot) } }

    // MARK: Targets (TUF section 5.6)

    /// Takes a targets role that the snapshot names, signed as its delegator says.
    /// - Parameter delegator: a role that is there already; nil for the top-level role, which root delegates to.
    public mutating func update(
        targets bytes: [UInt8], of role: String, delegatedBy delegator: String?
    ) throws(UpdateError) {
        targets[role] = try read(targets: bytes, of: role, delegatedBy: delegator)
        targetsKeys[role] = keys(of: role, delegatedBy: delegator)
    }

    /// Whether a targets role is there already. One that came by another delegator is checked against the keys of this one,
    /// too: two may delegate to one name with different keys, and what one of them trusts is not for the other to answer
    /// for. Throws `unsigned`.
    public mutating func has(targets role: String, delegatedBy delegator: String?) throws(UpdateError) -> Bool {
        guard let known = targets[role] else { return false }
        let keys = keys(of: role, delegatedBy: delegator)
        if let keys, keys == targetsKeys[role] { return true }
        try Self.verify(known, by: keys, role)
        targetsKeys[role] = keys
        return true
    }

    /// The same without keeping it.
    public func read(
        targets bytes: [UInt8], of role: String, delegatedBy delegator: String?
    ) throws(UpdateError) -> SignedMetadata<TargetsMetadata> {
        guard hasCurrentSnapshot, let snapshot else { throw Self.outOfOrder(role) }
        try checkSnapshotExpiry()
        guard let named = snapshot.role.roles[role] else {
            throw UpdateError(.missing, role: role, "the snapshot does not name it")
        }
        try Self.check(bytes, named, role)
        let next: SignedMetadata<TargetsMetadata> = try Self.read(bytes, role)
        try Self.verify(next, by: keys(of: role, delegatedBy: delegator), role)
        try Self.check(next.role.version, named.version, role, by: RoleName.snapshot)
        try check(next, as: role)
        return next
    }

    private func keys(of role: String, delegatedBy delegator: String?) -> RoleKeys? {
        guard let delegator else { return root.role.keys(of: role) }
        return targets[delegator]?.role.delegations.first { $0.name == role }?.keys
    }

    // MARK: Rules

    private static func read<Role>(_ bytes: [UInt8], _ role: String) throws(UpdateError) -> SignedMetadata<Role> {
        do throws(MetadataError) {
            return try SignedMetadata(bytes)
        } catch {
            throw UpdateError(.malformed, role: role, "\(error)")
        }
    }

    private static func verify<Role>(
        _ metadata: SignedMetadata<Role>, by keys: RoleKeys?, _ role: String
    ) throws(UpdateError) {
        guard let keys else { throw UpdateError(.unsigned, role: role, "nobody may sign it") }
        let count = keys.count(metadata.signatures, over: metadata.signedBytes)
        guard count >= keys.threshold else {
            throw UpdateError(
                .unsigned, role: role,
                "version \(metadata.role.version) is signed by \(count) of the \(keys.keyIDs.count) keys that may, and "
                    + "\(keys.threshold) must")
        }
    }

    private static func check(_ bytes: [UInt8], _ named: MetadataFile, _ role: String) throws(UpdateError) {
        if let length = named.length, length != bytes.count {
            throw UpdateError(.mismatch, role: role, "it has \(bytes.count) bytes, and should have \(length)")
        }
        if let hashes = named.hashes, !hashes.match(bytes) {
            throw UpdateError(.mismatch, role: role, "its digest is another than the signed one")
        }
    }

    private static func check(
        _ version: Int64, _ named: Int64, _ role: String, by namer: String
    ) throws(UpdateError) {
        guard version == named else {
            throw UpdateError(.mismatch, role: role, "it has version \(version), and \(namer) names version \(named)")
        }
    }

    private func check<Role>(_ metadata: SignedMetadata<Role>, as role: String = Role.type) throws(UpdateError) {
        guard metadata.role.expires > now else {
            throw UpdateError(
                .expired, role: role,
                "version \(metadata.role.version) expired at \(metadata.role.expires), and it is \(now)")
        }
    }

    private static func outOfOrder(_ role: String) -> UpdateError {
        UpdateError(.missing, role: role, "what names it has not been read yet")
    }
}
