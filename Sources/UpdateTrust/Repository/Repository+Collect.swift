internal import Files
internal import Glibc

extension Repository {
    /// Removes files that nothing published names any more and that have not been touched for `keepDays`: clients may still
    /// be half-way through an older version, and deltas are made from it. What cannot be removed stays.
    func collect(_ current: Current, _ now: MetadataTime) -> Int {
        var kept: Set<String> = []
        for (role, document) in current.targets {
            kept.insert(folder.file(role, document.version))
            for member in document[object: "targets"].members {
                guard case .object(let target) = member.value, case .object(let hashes) = target["hashes"] else {
                    continue
                }
                for case .string(let digest) in hashes.members.map(\.value) {
                    kept.insert(folder.file(target: member.key, digest: digest))
                }
            }
        }
        if let snapshot = current.snapshot { kept.insert(folder.file(RoleName.snapshot, snapshot.version)) }
        let oldest = now.seconds - Int64(settings.keepDays) * 86_400
        var count = 0
        func visit(_ place: String, _ depth: Int) {
            for name in folder.names(in: place) {
                let path = "\(place)/\(name)"
                var state = stat()
                guard lstat(path, &state) == 0 else { continue }
                if state.st_mode & S_IFMT == S_IFDIR {
                    if depth < 64 { visit(path, depth + 1) }
                    // Only one that is empty goes.
                    rmdir(path)
                } else if !kept.contains(path), Int64(state.st_ctim.tv_sec) < oldest, !isNeeded(path) {
                    if unlink(path) == 0 { count += 1 }
                }
            }
        }
        visit(folder.targets, 0)
        visit(folder.metadata, 0)
        return count
    }

    /// Every root stays: a client goes from one to the next.
    private func isNeeded(_ path: String) -> Bool {
        path.hasSuffix(".root.json") || path == folder.file(RoleName.timestamp, 0)
    }
}
