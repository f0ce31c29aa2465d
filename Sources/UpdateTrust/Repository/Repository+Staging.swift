internal import Files
internal import Glibc
internal import OpenSSL

extension Repository {
    /// What has been staged and is not published yet.
    func staged() throws -> StagedChanges {
        guard access(folder.changes, F_OK) == 0 else { return StagedChanges() }
        do {
            return try StagedChanges(try folder.readJSON(folder.changes))
        } catch {
            throw RepositoryFailure("\(folder.changes): \(error)")
        }
    }

    private func write(_ staged: StagedChanges) throws {
        try DurableFiles.replace(folder.changes, with: staged.json.text + [0x0A])
    }

    /// Notes that a file is to be the target `path` from the next publication on. Its content is copied now.
    /// - Parameters:
    ///   - role: the role that signs for it: the top-level one, or one delegated to that covers the path.
    ///   - progress: called with the bytes that are copied.
    public func stage(
        file: String, as path: String, custom: JSONObject? = nil, role: String = RoleName.targets,
        progress: (UInt64) -> Void = { _ in }
    ) throws(RepositoryFailure) {
        if let trouble = TargetPath.trouble(path) { throw RepositoryFailure(trouble) }
        guard !path.hasPrefix("deltas/") else {
            throw RepositoryFailure("'\(path)': paths below deltas/ are made by the publication itself")
        }
        try explaining {
            try checkRole(role, signsFor: path)
            try DurableFiles.makeFolders(folder.stagedFiles)
            let (digest, length) = try copy(file, progress)
            var staged = try staged()
            staged.removals.remove(path)
            staged.additions[path] = .init(digest: digest, length: length, custom: custom, role: role)
            try write(staged)
        }
    }

    /// Notes that targets are to be gone from the next publication on.
    public func stage(removing paths: [String]) throws(RepositoryFailure) {
        try explaining {
            var staged = try staged()
            let current = try current()
            for path in paths {
                let isThere = current.targets.values.contains { $0[object: "targets"][path] != nil }
                guard isThere || staged.additions[path] != nil else {
                    throw RepositoryFailure("there is no target '\(path)' to remove")
                }
                staged.additions[path] = nil
                if isThere { staged.removals.insert(path) }
            }
            try DurableFiles.makeFolders(folder.staged)
            try write(staged)
        }
    }

    private func checkRole(_ role: String, signsFor path: String) throws {
        guard role != RoleName.targets else { return }
        for document in try current().targets.values {
            guard let entry = document.delegation(to: role) else { continue }
            let delegation = try Delegation(JSONFields(.object(entry), at: role), keys: [:])
            guard delegation.covers(path) else {
                throw RepositoryFailure("the role '\(role)' may not sign for '\(path)': see its paths")
            }
            return
        }
        throw RepositoryFailure("nobody delegates to the role '\(role)': 'muster repo delegate' does")
    }

    /// Copies a file to `files/<digest>` piece by piece.
    private func copy(_ path: String, _ progress: (UInt64) -> Void) throws -> (digest: String, length: UInt64) {
        let source = try DurableFiles.open(path, O_RDONLY | O_NONBLOCK, doing: "read")
        var state = stat()
        guard fstat(source.number, &state) == 0, state.st_mode & S_IFMT == S_IFREG else {
            throw RepositoryFailure("\(path) is not a file")
        }
        let temporary = "\(folder.stagedFiles)/\(getpid()).new"
        unlink(temporary)
        let target = try DurableFiles.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644, doing: "write")
        do {
            let digest = try Digest(.sha256)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
            defer { buffer.deallocate() }
            var length: UInt64 = 0
            while case let count = try source.read(buffer), count > 0 {
                let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
                try digest.add(piece)
                try DurableFiles.write(Array(piece), to: target.number, called: temporary)
                length += UInt64(count)
                progress(length)
            }
            guard fsync(target.number) == 0 else { throw FileFailure(errno, doing: "write \(temporary)") }
            let name = Hexadecimal.lower(try digest.end())
            try DurableFiles.rename(temporary, to: "\(folder.stagedFiles)/\(name)")
            return (name, length)
        } catch {
            unlink(temporary)
            throw error
        }
    }
}
