extension UpdateClient {
    /// Brings the trusted metadata up to date (TUF section 5.1 to 5.6), the top-level roles whole.
    ///
    /// What is believed is written down as soon as it is, so that a refresh that fails half-way leaves what led to it.
    public func refresh() async throws(UpdateError) -> Refreshed {
        let lock = try await cache.lockWaiting()
        defer { lock.release() }
        let now = clock()
        try checkClock(now)
        guard let root = try cache.read(RoleName.root, upTo: limits.root) else {
            throw UpdateError(
                .missing, role: RoleName.root, "there is none in \(cache.folder) to begin with: give it the vendor's")
        }
        var trusted = try TrustedMetadata(root: root, now: now)
        try await refreshRoot(&trusted)
        let isNew = try await refreshTimestamp(&trusted)
        try await refreshSnapshot(&trusted)
        try await refreshTargets(&trusted, RoleName.targets, delegatedBy: nil)
        try cache.write(latestTime: now)
        return Refreshed(metadata: trusted, isNew: isNew)
    }

    /// What was trusted at the end of the last refresh, without a request; throws where that is not whole, or has expired.
    public func load() throws(UpdateError) -> TrustedMetadata {
        let lock = try cache.lock()
        defer { lock.release() }
        let now = clock()
        // Set back, it would make fresh what has expired.
        try checkClock(now)
        guard let root = try cache.read(RoleName.root, upTo: limits.root) else {
            throw UpdateError(.missing, role: RoleName.root, "there is none in \(cache.folder)")
        }
        var trusted = try TrustedMetadata(root: root, now: now)
        try trusted.checkRootExpiry()
        guard let timestamp = try cache.read(RoleName.timestamp, upTo: limits.timestamp),
            let snapshot = try cache.read(RoleName.snapshot, upTo: .max),
            let targets = try cache.read(RoleName.targets, upTo: .max)
        else { throw UpdateError(.missing, "there was no whole refresh in \(cache.folder) yet") }
        try trusted.update(timestamp: timestamp)
        try trusted.update(snapshot: snapshot)
        try trusted.update(targets: targets, of: RoleName.targets, delegatedBy: nil)
        return trusted
    }

    private func checkClock(_ now: MetadataTime) throws(UpdateError) {
        guard let latest = try cache.latestTime(), now < latest else { return }
        throw UpdateError(
            .clock,
            "this machine's clock says \(now), and said \(latest) before: set it right, or give --reset-clock if it ran "
                + "ahead then")
    }

    private func refreshRoot(_ trusted: inout TrustedMetadata) async throws(UpdateError) {
        var rotations = 0
        while true {
            let bytes: [UInt8]
            do throws(UpdateError) {
                bytes = try await fetch(RoleName.root, version: trusted.root.role.version + 1, upTo: limits.root)
            } catch {
                // Servers of objects answer 403 for what is not there.
                if error.cause == .missing || error.transport?.cause == .forbidden { break }
                throw error
            }
            guard rotations < limits.rootRotations else {
                throw UpdateError(
                    .tooMany, role: RoleName.root,
                    "there are more than \(limits.rootRotations) new versions: refresh again to go on")
            }
            let former = trusted.root.role
            try trusted.update(root: bytes)
            // Otherwise who had the former keys could keep newer versions out with one that is far ahead. Before the root is
            // written: whatever happens in between, they are gone with it (TUF section 5.3.11).
            if former.keysDiffer(from: trusted.root.role, of: [RoleName.timestamp, RoleName.snapshot]) {
                try cache.remove(RoleName.timestamp)
                try cache.remove(RoleName.snapshot)
            }
            try cache.write(bytes, as: RoleName.root)
            rotations += 1
        }
        try trusted.checkRootExpiry()
    }

    /// Whether it is another than before.
    private func refreshTimestamp(_ trusted: inout TrustedMetadata) async throws(UpdateError) -> Bool {
        if let cached = try cache.read(RoleName.timestamp, upTo: .max) {
            // One that is signed by nobody any more is as good as none.
            _ = try? trusted.update(timestamp: cached, isCached: true)
        }
        if trusted.timestamp != nil, let cached = try cache.read(RoleName.snapshot, upTo: .max) {
            try? trusted.update(snapshot: cached, isCached: true)
        }
        let bytes = try await fetch(RoleName.timestamp, version: nil, upTo: limits.timestamp)
        let isNew = try trusted.update(timestamp: bytes)
        if isNew { try cache.write(bytes, as: RoleName.timestamp) }
        try trusted.checkTimestampExpiry()
        return isNew
    }

    private func refreshSnapshot(_ trusted: inout TrustedMetadata) async throws(UpdateError) {
        if trusted.hasCurrentSnapshot { return try trusted.checkSnapshotExpiry() }
        guard let named = trusted.timestamp?.role.snapshot else { return }
        let version = trusted.root.role.consistentSnapshot ? named.version : nil
        let bytes = try await fetch(
            RoleName.snapshot, version: version, upTo: min(named.length ?? .max, limits.snapshot))
        try trusted.update(snapshot: bytes)
        try cache.write(bytes, as: RoleName.snapshot)
    }

    /// Takes a targets role from the cache where it is the one that the snapshot names, or fetches it.
    func refreshTargets(
        _ trusted: inout TrustedMetadata, _ role: String, delegatedBy delegator: String?
    ) async throws(UpdateError) {
        if try trusted.has(targets: role, delegatedBy: delegator) { return }
        if let cached = try cache.read(role, upTo: .max),
            (try? trusted.update(targets: cached, of: role, delegatedBy: delegator)) != nil
        {
            return
        }
        guard let named = trusted.snapshot?.role.roles[role] else {
            throw UpdateError(.missing, role: role, "the snapshot does not name it")
        }
        let version = trusted.root.role.consistentSnapshot ? named.version : nil
        let bytes = try await fetch(role, version: version, upTo: min(named.length ?? .max, limits.targets))
        try trusted.update(targets: bytes, of: role, delegatedBy: delegator)
        try cache.write(bytes, as: role)
    }
}

extension RootMetadata {
    /// Whether one of the roles may be signed by other keys than before.
    func keysDiffer(from other: RootMetadata, of roles: [String]) -> Bool {
        roles.contains { role in
            Set(keys(of: role)?.keyIDs ?? []) != Set(other.keys(of: role)?.keyIDs ?? [])
        }
    }
}
