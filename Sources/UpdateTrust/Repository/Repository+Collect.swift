internal import Files
internal import Glibc

extension Repository {
    /// Removes files that nothing published has named for `keepDays`: clients may still be half-way through an older version,
    /// and deltas are made from it. What cannot be removed stays.
    ///
    /// The time begins with the first publication that does not name a file, which is written down in `.unnamed.json`. Where
    /// that cannot be read, it begins anew.
    func collect(_ current: Current, _ now: MetadataTime) throws -> Int {
        let kept = kept(current)
        let former = unnamed()
        var members: [JSONObject.Member] = []
        var count = 0
        for path in files(in: folder.targets) + files(in: folder.metadata)
        where !kept.contains(path) && !isNeeded(path) {
            let name = String(path.dropFirst(folder.path.count + 1))
            let since = former[name] ?? now.seconds
            if now.seconds - since > Int64(settings.keepDays) * 86_400, unlink(path) == 0 {
                count += 1
                // Only one that is empty goes.
                rmdir(DurableFiles.folder(of: path))
            } else {
                members.append(.init(name, .integer(since)))
            }
        }
        let unnamed = JSONObject(unique: members)
        try DurableFiles.replace("\(folder.path)/.unnamed.json", with: JSON.object(unnamed).text + [0x0A], mode: 0o600)
        return count
    }

    private func kept(_ current: Current) -> Set<String> {
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
        return kept
    }

    /// Since when each file is named by nothing, by its path below the repository.
    private func unnamed() -> [String: Int64] {
        guard case .object(let object) = try? folder.readJSON("\(folder.path)/.unnamed.json") else { return [:] }
        var times: [String: Int64] = [:]
        for member in object.members { if case .integer(let since) = member.value { times[member.key] = since } }
        return times
    }

    private func files(in place: String, depth: Int = 0) -> [String] {
        var files: [String] = []
        for name in DurableFiles.names(in: place).sorted() {
            let path = "\(place)/\(name)"
            var state = stat()
            guard lstat(path, &state) == 0 else { continue }
            if state.st_mode & S_IFMT != S_IFDIR {
                files.append(path)
            } else if depth < 64 {
                files += self.files(in: path, depth: depth + 1)
            }
        }
        return files
    }

    /// Every root stays: a client goes from one to the next.
    private func isNeeded(_ path: String) -> Bool {
        path.hasSuffix(".root.json") || path == folder.file(RoleName.timestamp, 0)
    }
}
