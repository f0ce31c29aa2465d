internal import Files
internal import Glibc

/// What came of asking for new keys, or a new root.
public enum RootChange: Sendable {
    case published(version: Int64)
    /// The keys of a delegated role, which no root names.
    case delegated(role: String, snapshot: Int64)
    /// It waits for more signatures: the file, and which keys may still sign, of which how many must.
    case waits(file: String, version: Int64, keys: [String], missing: Int)
}

extension Repository {
    /// Gives a role new keys in place of all that it has; makes a new root that says so, or, for a delegated role, publishes
    /// who delegates to it and what it says together.
    ///
    /// What a new root gives other keys is first published with signatures of the old keys and the new, so that a client
    /// finds nothing unsigned whichever root it knows.
    /// - Parameters:
    ///   - threshold: how many of its keys must sign from now on; nil: as many as before.
    ///   - count: how many keys it has; nil: as many as before.
    public func rotate(
        _ role: String, scheme: SignatureScheme = .ed25519, count: Int? = nil, threshold: Int? = nil
    ) throws(RepositoryFailure) -> RootChange {
        try explaining {
            let now = clock()
            let current = try current()
            // A delegated role is named by no root: that one waits is no reason to leave a stolen key in use.
            if RoleName.topLevel.contains(role), let waiting = try waitingRoot(current) {
                throw RepositoryFailure(
                    "\(waiting.file) waits for signatures: 'muster repo sign' it, or remove it, first")
            }
            guard let (former, least) = current.keys(of: role) else {
                throw RepositoryFailure(
                    "there is no role '\(role)': root, targets, snapshot, timestamp, or one that is delegated to")
            }
            let (count, threshold) = (count ?? former.count, threshold ?? least)
            guard (1...100).contains(count), (1...count).contains(threshold) else {
                throw RepositoryFailure("\(threshold) of \(count) keys cannot sign \(role)")
            }
            var made: [SigningKey] = []
            for _ in 0..<count {
                let key = try SigningKey.make(scheme)
                try keyFolder(of: role).add(key, to: role)
                made.append(key)
            }
            guard RoleName.topLevel.contains(role) else {
                return try rotate(delegated: role, to: made, threshold: threshold, current, now)
            }
            var next = current.root
            next.set(role, ids: made.map(\.id), threshold: threshold, adding: made.map(\.publicKey))
            next.renew(days: settings.days(of: RoleName.root), from: now)
            return try propose(next, current, now)
        }
    }

    /// Renews the root, whose keys stay.
    public func renewRoot() throws(RepositoryFailure) -> RootChange {
        try explaining {
            let current = try current()
            if let waiting = try waitingRoot(current) { return waiting.change }
            var next = current.root
            next.renew(days: settings.days(of: RoleName.root), from: clock())
            return try propose(next, current, clock())
        }
    }

    /// Adds the signatures of the root's keys that are here to the root that waits, and publishes it when it has enough.
    /// - Parameter copies: files of the same root that others have signed elsewhere, see `sign(root:with:)`.
    public func sign(adding copies: [String] = []) throws(RepositoryFailure) -> RootChange {
        try explaining {
            let current = try current()
            guard let waiting = try waitingRoot(current) else {
                throw RepositoryFailure("no root waits for signatures in \(path)")
            }
            var signatures = waiting.signatures
            for copy in copies {
                let signed = try Self.readRoot(copy)
                guard signed.signedBytes == JSON.object(waiting.document.signed).canonical else {
                    throw RepositoryFailure("\(copy) is another root than \(waiting.file), which waits")
                }
                signatures += signed.signatures
            }
            return try propose(waiting.document, current, clock(), signatures)
        }
    }

    /// Signs a copy of a root that waits, on a machine of its own: for who holds a root key and not the repository.
    /// - Parameter folder: where the private keys are, PEM files.
    /// - Returns: the numbers of the keys that have signed; the file holds their signatures then.
    public static func sign(root file: String, with folder: String) throws(RepositoryFailure) -> [String] {
        try explaining {
            let root = try readRoot(file)
            let keys = try KeyFolder.keys(in: folder)
            guard !keys.isEmpty else { throw RepositoryFailure("there is no private key (*.pem) in \(folder)") }
            let document = try RoleDocument(role: RoleName.root, file: try JSON(parsing: root.bytes))
            // A signature by the former root's key counts as well, and only the repository knows that root.
            try DurableFiles.replace(file, with: try document.file(signedBy: keys, adding: root.signatures))
            return keys.map(\.id)
        }
    }

    private static func readRoot(_ file: String) throws -> SignedMetadata<RootMetadata> {
        do {
            return try SignedMetadata(try DurableFiles.read(file, upTo: MetadataLimits().root))
        } catch let error as MetadataError {
            throw RepositoryFailure("\(file) is no root that waits for signatures: \(error)")
        }
    }

    // MARK: A root that waits

    struct WaitingRoot {
        var file: String
        var document: RoleDocument
        var signatures: [MetadataSignature]
        var change: RootChange
    }

    /// The root that was made and has too few signatures; nil: none, or it is published already.
    func waitingRoot(_ current: Current) throws -> WaitingRoot? {
        let version = current.root.version + 1
        let file = "\(folder.staged)/\(version).root.json"
        guard access(file, F_OK) == 0 else { return nil }
        let bytes = try DurableFiles.read(file, upTo: MetadataLimits().root)
        let metadata = try SignedMetadata<RootMetadata>(bytes)
        let document = try RoleDocument(role: RoleName.root, file: try JSON(parsing: bytes))
        return WaitingRoot(
            file: file, document: document, signatures: metadata.signatures,
            change: change(for: document, metadata.signatures, current, file))
    }

    private func change(
        for next: RoleDocument, _ signatures: [MetadataSignature], _ current: Current, _ file: String
    ) -> RootChange {
        let done = Set(signatures.map(\.keyID))
        var open: Set<String> = []
        var missing = 0
        for (ids, threshold) in [current.root.roleKeys(RoleName.root), next.roleKeys(RoleName.root)] {
            let lacking = threshold - ids.count { done.contains($0) }
            guard lacking > 0 else { continue }
            missing = max(missing, lacking)
            open.formUnion(ids.filter { !done.contains($0) })
        }
        return missing == 0
            ? .published(version: next.version)
            : .waits(file: file, version: next.version, keys: open.sorted(), missing: missing)
    }

    /// Signs with what is here, and publishes, or puts it where it waits.
    private func propose(
        _ next: RoleDocument, _ current: Current, _ now: MetadataTime, _ former: [MetadataSignature] = []
    ) throws -> RootChange {
        let allowed = Set(current.root.roleKeys(RoleName.root).ids + next.roleKeys(RoleName.root).ids)
        let keys = try keys(of: RoleName.root).filter { allowed.contains($0.id) }
        let bytes = try next.file(signedBy: keys, adding: former)
        let signed = try SignedMetadata<RootMetadata>(bytes)
        let waiting = "\(folder.staged)/\(next.version).root.json"
        // Signatures of others that are wrong must not be published as if they were there.
        let valid = signed.signatures.filter { signature in
            let listed = signed.role.keys[signature.keyID] ?? (try? publicKey(signature.keyID, in: current.root))
            return listed?.verifies(signature.bytes, over: signed.signedBytes) ?? false
        }
        let change = change(for: next, valid, current, waiting)
        guard case .published = change else {
            try DurableFiles.makeFolders(folder.staged)
            try DurableFiles.replace(waiting, with: bytes)
            return change
        }
        let changesHands = [RoleName.targets, RoleName.snapshot, RoleName.timestamp].filter {
            Set(next.roleKeys($0).ids) != Set(current.root.roleKeys($0).ids)
        }
        if !changesHands.isEmpty {
            let targets = changesHands.contains(RoleName.targets) ? current.targets[RoleName.targets] : nil
            try publish(current, targets.map { [RoleName.targets: $0] } ?? [:], now, next: next)
        }
        let file = folder.file(RoleName.root, next.version)
        try willWrite(file)
        try DurableFiles.replace(file, with: bytes)
        unlink(waiting)
        for role in changesHands + [RoleName.root] { try retireKeys(of: role, but: next.roleKeys(role).ids) }
        return change
    }

    func retireKeys(of role: String, but listed: [String]) throws {
        for key in try self.keys(of: role) where !listed.contains(key.id) {
            try keyFolder(of: role).retire(key, of: role)
        }
    }

    private func publicKey(_ id: String, in root: RoleDocument) throws -> PublicKey? {
        try root[object: "keys"][id].map { try PublicKey($0) }
    }
}
