internal import Files
internal import Glibc

extension Repository {
    /// What is published now, or is about to be.
    struct Current {
        var root: RoleDocument
        var snapshot: RoleDocument?
        var timestamp: RoleDocument?
        /// The top-level role and those delegated to, by name.
        var targets: [String: RoleDocument]

        /// The keys of a role, and how many must sign, as root or a delegator says.
        func keys(of role: String) -> (ids: [String], threshold: Int)? {
            if RoleName.topLevel.contains(role) { return root.roleKeys(role) }
            for document in targets.values {
                if let entry = document.delegation(to: role) { return RoleDocument.keys(of: entry) }
            }
            return nil
        }
    }

    /// Reads what the timestamp names; what an unfinished publication left beside it does not count.
    func current() throws -> Current {
        let root = try read(RoleName.root, folder.newestRoot())
        let timestamp = try read(RoleName.timestamp, 0)
        let snapshot = try read(RoleName.snapshot, try version(of: "snapshot.json", in: timestamp))
        var targets: [String: RoleDocument] = [:]
        for member in snapshot[object: "meta"].members {
            let role = String(member.key.dropLast(5))
            targets[role] = try read(role, try version(of: member.key, in: snapshot))
        }
        guard targets[RoleName.targets] != nil else { throw RepositoryFailure("the snapshot names no targets") }
        return Current(root: root, snapshot: snapshot, timestamp: timestamp, targets: targets)
    }

    func read(_ role: String, _ version: Int64) throws -> RoleDocument {
        let file = folder.file(role, version)
        do {
            return try RoleDocument(role: role, file: try folder.readJSON(file))
        } catch let error as FileFailure {
            throw RepositoryFailure("\(error): the repository is not whole; take it from a backup or a mirror")
        } catch {
            throw RepositoryFailure("\(file): \(error)")
        }
    }

    private func version(of name: String, in document: RoleDocument) throws -> Int64 {
        guard case .object(let file) = document[object: "meta"][name], case .integer(let version) = file["version"]
        else {
            throw RepositoryFailure("\(folder.file(document.role, document.version)) does not name \(name)")
        }
        return version
    }

    // MARK: Signing

    /// The keys that are here for a role, as many as must sign at least.
    /// - Parameter next: a root that is about to be published: its keys sign too.
    func signers(of role: String, _ current: Current, next: RoleDocument? = nil) throws -> [SigningKey] {
        guard let (ids, threshold) = current.keys(of: role) else {
            throw RepositoryFailure("nobody delegates to the role '\(role)'")
        }
        let held = try keys(of: role)
        let allowed = Set(ids + (next?.roleKeys(role).ids ?? []))
        let count = held.count { ids.contains($0.id) }
        guard count >= threshold else {
            throw RepositoryFailure(
                "\(role) must be signed by \(threshold) of its keys, and \(count) are in "
                    + "\(keyFolder(of: role).folder(of: role)): bring the others there")
        }
        return held.filter { allowed.contains($0.id) }
    }

    // MARK: Publishing

    /// Writes the changed roles, then a snapshot that names them, and the timestamp last.
    func publish(
        _ current: Current, _ changed: [String: RoleDocument], _ now: MetadataTime, next: RoleDocument? = nil
    ) throws {
        var current = current
        for (role, document) in changed {
            var document = document
            document.renew(days: settings.days(of: role), from: now)
            current.targets[role] = document
        }
        // Who may sign is asked before anything is written.
        var signers: [String: [SigningKey]] = [:]
        for role in [RoleName.snapshot, RoleName.timestamp] + changed.keys {
            signers[role] = try self.signers(of: role, current, next: next)
        }
        for role in changed.keys.sorted() {
            if let document = current.targets[role] { try write(document, signedBy: signers[role] ?? []) }
        }
        var snapshot = current.snapshot ?? RoleDocument(role: RoleName.snapshot, type: RoleName.snapshot, ["meta": [:]])
        var meta = snapshot[object: "meta"]
        for (role, document) in current.targets.sorted(by: { $0.key < $1.key }) {
            var entry: JSONObject = if case .object(let object) = meta["\(role).json"] { object } else { JSONObject() }
            entry["version"] = .integer(document.version)
            let bytes = try DurableFiles.read(folder.file(role, document.version), upTo: 64 << 20)
            entry["length"] = .integer(Int64(bytes.count))
            entry["hashes"] = ["sha256": .string(FileHashes.sha256(of: bytes) ?? "")]
            meta["\(role).json"] = .object(entry)
        }
        snapshot[object: "meta"] = meta
        snapshot.renew(days: settings.days(of: RoleName.snapshot), from: now)
        try write(snapshot, signedBy: signers[RoleName.snapshot] ?? [])
        let bytes = try DurableFiles.read(folder.file(RoleName.snapshot, snapshot.version), upTo: 64 << 20)
        var timestamp =
            current.timestamp ?? RoleDocument(role: RoleName.timestamp, type: RoleName.timestamp, ["meta": [:]])
        timestamp[object: "meta"] = [
            "snapshot.json": [
                "version": .integer(snapshot.version), "length": .integer(Int64(bytes.count)),
                "hashes": ["sha256": .string(FileHashes.sha256(of: bytes) ?? "")],
            ]
        ]
        timestamp.renew(days: settings.days(of: RoleName.timestamp), from: now)
        try write(timestamp, signedBy: signers[RoleName.timestamp] ?? [])
    }
}

extension RoleDocument {
    /// The delegation to a role; nil where there is none.
    func delegation(to role: String) -> JSONObject? {
        guard case .array(let roles) = self[object: "delegations"]["roles"] else { return nil }
        for case .object(let entry) in roles where entry["name"] == .string(role) { return entry }
        return nil
    }
}
