internal import Files

extension Repository {
    /// Leaves paths to a role with a key of its own, which is made where there is none; published with the next publication.
    /// - Parameter patterns: `*` and `?` never stand for a slash.
    public func delegate(
        to role: String, patterns: [String], isTerminating: Bool = false, scheme: SignatureScheme = .ed25519
    ) throws(RepositoryFailure) {
        try explaining {
            // Other names would be percent-encoded, which not every web server takes for the name of a file.
            guard (1...100).contains(role.utf8.count), !RoleName.topLevel.contains(role), role == RoleName.encoded(role)
            else {
                throw RepositoryFailure(
                    "'\(role)' cannot be the name of a delegated role: take letters, digits, '-', '_' and '.'")
            }
            guard !patterns.isEmpty else { throw RepositoryFailure("a delegation needs the paths that it is for") }
            let current = try current()
            guard current.keys(of: role) == nil else { throw RepositoryFailure("there is a role '\(role)' already") }
            var keys = try keys(of: role)
            if keys.isEmpty {
                keys = [try SigningKey.make(scheme)]
                try keyFolder(of: role).add(keys[0], to: role)
            }
            guard var targets = current.targets[RoleName.targets] else { return }
            var delegations = targets[object: "delegations"]
            var listed: JSONObject = if case .object(let object) = delegations["keys"] { object } else { JSONObject() }
            for key in keys { listed[key.id] = key.publicKey.json }
            var roles: [JSON] = if case .array(let items) = delegations["roles"] { items } else { [] }
            roles.append([
                "name": .string(role), "keyids": .array(keys.map { .string($0.id) }), "threshold": 1,
                "terminating": .bool(isTerminating), "paths": .array(patterns.map { .string($0) }),
            ])
            delegations["keys"] = .object(listed)
            delegations["roles"] = .array(roles)
            targets[object: "delegations"] = delegations
            // Empty at first, so that the snapshot never names a role that is not there.
            let empty = RoleDocument(role: role, type: RoleName.targets, ["targets": [:]])
            var now = current
            now.targets[RoleName.targets] = targets
            try publish(now, [RoleName.targets: targets, role: empty], clock())
        }
    }

    /// One snapshot names the delegation with the new keys and the role that they have signed: a client sees both or neither.
    func rotate(
        delegated role: String, to made: [SigningKey], threshold: Int, _ current: Current, _ now: MetadataTime
    ) throws -> RootChange {
        guard let delegator = current.targets.values.first(where: { $0.delegation(to: role) != nil }),
            let document = current.targets[role]
        else { throw RepositoryFailure("nobody delegates to the role '\(role)'") }
        var changed = [delegator.role: delegator, role: document]
        changed[delegator.role]?.set(
            delegated: role, ids: made.map(\.id), threshold: threshold, adding: made.map(\.publicKey))
        var next = current
        next.targets.merge(changed) { $1 }
        try publish(next, changed, now)
        try retireKeys(of: role, but: made.map(\.id))
        return .delegated(role: role, snapshot: try self.current().snapshot?.version ?? 0)
    }
}
