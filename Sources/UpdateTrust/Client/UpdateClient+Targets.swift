extension UpdateClient {
    /// Who signs for a path, first come first served: pre-order, depth first, each role once (TUF section 5.6.7).
    ///
    /// Delegated roles that are missing here are fetched and written down. nil: nobody signs for it.
    public func find(_ path: String, in trusted: inout TrustedMetadata) async throws(UpdateError) -> TargetFile? {
        var visited: Set<String> = []
        var pending: [(role: String, delegator: String?)] = [(RoleName.targets, nil)]
        while let (role, delegator) = pending.popLast() {
            guard visited.insert(role).inserted else { continue }
            guard visited.count <= limits.delegations + 1 else {
                throw UpdateError(
                    .tooMany, "more than \(limits.delegations) delegated roles would have to be asked for '\(path)'")
            }
            try await refreshTargets(&trusted, role, delegatedBy: delegator)
            guard let metadata = trusted.targets[role]?.role else { continue }
            // Texts that only look the same are equal to Swift: the path that was covered is the one that was signed.
            if let target = metadata.targets[path], target.path.utf8.elementsEqual(path.utf8) { return target }
            var next: [(role: String, delegator: String?)] = []
            for delegation in metadata.delegations where delegation.covers(path) {
                next.append((delegation.name, role))
                if delegation.isTerminating {
                    pending = []
                    break
                }
            }
            pending += next.reversed()
        }
        return nil
    }

    /// Every role that delegation reaches, fetched where it is missing: what a mirror needs. Throws `tooMany` beyond
    /// `limit` roles.
    public func loadAll(_ trusted: inout TrustedMetadata, upTo limit: Int = 1000) async throws(UpdateError) {
        var visited: Set<String> = []
        var pending: [(role: String, delegator: String?)] = [(RoleName.targets, nil)]
        while let (role, delegator) = pending.popLast() {
            guard visited.insert(role).inserted else { continue }
            guard visited.count <= limit else {
                throw UpdateError(.tooMany, "the repository delegates to more than \(limit) roles")
            }
            try await refreshTargets(&trusted, role, delegatedBy: delegator)
            for delegation in trusted.targets[role]?.role.delegations.reversed() ?? [] {
                pending.append((delegation.name, role))
            }
        }
    }
}
