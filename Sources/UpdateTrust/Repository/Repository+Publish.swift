internal import Files
internal import Glibc

/// What a publication came to.
public struct Publication: Sendable {
    public struct Delta: Sendable {
        public var target: String
        /// Bytes of the patch and of the whole file.
        public var bytes: UInt64
        public var of: UInt64
    }

    /// Versions that are published now.
    public var snapshot: Int64
    public var timestamp: Int64
    /// Paths.
    public var added: [String]
    public var removed: [String]
    public var deltas: [Delta]
    /// The line of `definitions/version`, where definitions were changed.
    public var definitions: String?
    /// Files that were no longer named for long enough.
    public var collected: Int
}

extension Repository {
    static let definitions = "definitions/"
    static let versionTarget = "definitions/version"

    /// Publishes what is staged; with nothing staged it renews snapshot and timestamp.
    /// - Parameter test: given a folder with all definitions as they are to be published: what it throws stops the
    ///   publication.
    @discardableResult
    public func publish(testing test: (String) throws -> Void = { _ in }) throws(RepositoryFailure) -> Publication {
        try explaining {
            var staged = try staged()
            let changesDefinitions = (Array(staged.additions.keys) + staged.removals).contains {
                $0.hasPrefix(Self.definitions)
            }
            var definitions: String?
            if changesDefinitions {
                definitions = try nameDefinitions(&staged)
                try self.test(staged, test)
            }
            let now = clock()
            let before = try current()
            var changed: [String: RoleDocument] = [:]
            let deltas = try apply(staged, before, &changed)
            renew(before, now, &changed)
            try publish(before, changed, now)
            unlink(folder.changes)
            emptyStaging()
            let after = try current()
            return Publication(
                snapshot: after.snapshot?.version ?? 0, timestamp: after.timestamp?.version ?? 0,
                added: staged.additions.keys.sorted(), removed: staged.removals.sorted(), deltas: deltas,
                definitions: definitions, collected: try collect(after, now))
        }
    }

    /// Puts staged files where they are served, and edits the roles that name them.
    private func apply(
        _ staged: StagedChanges, _ before: Current, _ changed: inout [String: RoleDocument]
    ) throws -> [Publication.Delta] {
        var deltas: [Publication.Delta] = []
        func edit(_ role: String, _ body: (inout JSONObject) throws -> Void) throws {
            guard var document = changed[role] ?? before.targets[role] else {
                throw RepositoryFailure("there is no role '\(role)'")
            }
            var targets = document[object: "targets"]
            try body(&targets)
            document[object: "targets"] = targets
            changed[role] = document
        }
        for path in staged.removals {
            for (role, document) in before.targets where document[object: "targets"][path] != nil {
                try edit(role) { targets in
                    targets[path] = nil
                    targets = targets.without(deltasOf: path)
                }
            }
        }
        for (path, addition) in staged.additions.sorted(by: { $0.key < $1.key }) {
            let file = folder.file(target: path, digest: addition.digest)
            try willWrite(file)
            try place("\(folder.stagedFiles)/\(addition.digest)", at: file)
            let made = try makeDeltas(to: path, addition, before)
            try edit(addition.role) { targets in
                targets = targets.without(deltasOf: path)
                targets[path] = Self.target(addition.digest, addition.length, addition.custom)
                for (delta, digest, length, custom) in made {
                    targets[delta] = Self.target(digest, length, custom)
                    deltas.append(.init(target: path, bytes: length, of: addition.length))
                }
            }
        }
        return deltas
    }

    /// Signs anew what has less than a third of its time left: otherwise it would expire where nothing is added for long.
    /// A delegated role whose key is elsewhere is left to its holder.
    private func renew(_ before: Current, _ now: MetadataTime, _ changed: inout [String: RoleDocument]) {
        for (role, document) in before.targets where changed[role] == nil {
            let left = (document.expires?.seconds ?? 0) - now.seconds
            guard left < Int64(settings.days(of: role)) * 86_400 / 3 else { continue }
            if role == RoleName.targets || (try? signers(of: role, before)) != nil { changed[role] = document }
        }
    }

    static func target(_ digest: String, _ length: UInt64, _ custom: JSONObject?) -> JSON {
        var object: JSONObject = ["length": .integer(Int64(clamping: length)), "hashes": ["sha256": .string(digest)]]
        if let custom { object["custom"] = .object(custom) }
        return .object(object)
    }

    /// Links a file to its public name; the same content may be several targets. What is there already should be the same,
    /// but may have been damaged since, so it is replaced.
    func place(_ file: String, at path: String) throws {
        try DurableFiles.makeFolders(DurableFiles.folder(of: path))
        if link(file, path) != 0 {
            guard errno == EEXIST else { throw FileFailure(errno, doing: "put \(path) in place") }
            let spare = "\(folder.staged)/placing"
            unlink(spare)
            // rename(2) leaves both names where they are one file already.
            defer { unlink(spare) }
            guard link(file, spare) == 0, rename(spare, path) == 0 else {
                throw FileFailure(errno, doing: "put \(path) in place")
            }
        }
        try DurableFiles.syncFolder(DurableFiles.folder(of: path))
    }

    // MARK: Deltas

    private typealias MadeDelta = (path: String, digest: String, length: UInt64, custom: JSONObject)

    private func makeDeltas(
        to path: String, _ addition: StagedChanges.Addition, _ before: Current
    ) throws -> [MadeDelta] {
        // A delegated role may not sign for what lies below deltas/.
        guard settings.deltas > 0, addition.role == RoleName.targets, addition.length <= DeltaPatch.sizeLimit else {
            return []
        }
        let new = folder.file(target: path, digest: addition.digest)
        var made: [MadeDelta] = []
        for old in try olderDigests(of: path, addition.role, before) where old != addition.digest {
            guard made.count < settings.deltas else { break }
            let source = folder.file(target: path, digest: old)
            var state = stat()
            guard stat(source, &state) == 0, state.st_size <= Int(DeltaPatch.sizeLimit) else { continue }
            let patch = "\(folder.stagedFiles)/delta"
            try DeltaPatch.make(from: source, to: new, into: patch)
            let digest = try FileDigest.of(patch)
            // One that saves little is not worth a second way to go wrong.
            guard digest.length * 2 < addition.length else { continue }
            let target = "deltas/\(path)/\(old.prefix(12))-\(addition.digest.prefix(12)).zst"
            guard TargetPath.trouble(target) == nil else { continue }
            let file = folder.file(target: target, digest: digest.sha256)
            try willWrite(file)
            // Under one name at a time: a second one would be the next patch's to write to.
            try DurableFiles.makeFolders(DurableFiles.folder(of: file))
            try DurableFiles.rename(patch, to: file)
            let custom: JSONObject = ["delta": ["from": .string(old), "to": .string(addition.digest)]]
            made.append((target, digest.sha256, digest.length, custom))
        }
        return made
    }

    /// What the target was in the versions before, the newest first, as far as their metadata is here.
    private func olderDigests(of path: String, _ role: String, _ before: Current) throws -> [String] {
        var digests: [String] = []
        guard var version = before.targets[role]?.version else { return [] }
        while version > 0, digests.count <= settings.deltas, access(folder.file(role, version), F_OK) == 0 {
            if case .object(let target) = try read(role, version)[object: "targets"][path],
                case .object(let hashes) = target["hashes"], case .string(let digest) = hashes["sha256"],
                !digests.contains(digest)
            {
                digests.append(digest)
            }
            version -= 1
        }
        return digests
    }

    // MARK: Definitions

    /// Gives the definitions their next version, `20261128.1`, unless the publisher has.
    private func nameDefinitions(_ staged: inout StagedChanges) throws -> String {
        if let addition = staged.additions[Self.versionTarget] {
            return try firstLine("\(folder.stagedFiles)/\(addition.digest)")
        }
        let day = "\(clock())".prefix(10).filter { $0 != "-" }
        var number = 1
        if let last = try definitionsVersion() {
            let parts = last.split(separator: ".")
            if parts.count == 2, parts[0] == day, let former = Int(parts[1]) { number = former + 1 }
        }
        let name = "\(day).\(number)"
        let file = "\(folder.staged)/version"
        try DurableFiles.makeFolders(folder.staged)
        try DurableFiles.replace(file, with: Array("\(name)\n".utf8))
        try stage(file: file, as: Self.versionTarget)
        unlink(file)
        staged = try self.staged()
        return name
    }

    /// The line of `definitions/version` that is published; nil where there is none.
    func definitionsVersion() throws -> String? {
        guard
            case .object(let target) = try current().targets[RoleName.targets]?[object: "targets"][Self.versionTarget],
            case .object(let hashes) = target["hashes"], case .string(let digest) = hashes["sha256"]
        else { return nil }
        return try firstLine(folder.file(target: Self.versionTarget, digest: digest))
    }

    private func firstLine(_ path: String) throws -> String {
        let line = try DurableFiles.read(path, upTo: 4096).prefix { $0 != 0x0A && $0 != 0x0D }
        return String(decoding: line, as: UTF8.self)
    }

    /// Lays out all definitions as they are to be, for the one who tries them.
    private func test(_ staged: StagedChanges, _ test: (String) throws -> Void) throws {
        let place = "\(folder.staged)/definitions"
        removeFiles(in: place)
        try DurableFiles.makeFolders(place)
        defer { removeFiles(in: place) }
        var files: [String: String] = [:]
        for document in try current().targets.values {
            for member in document[object: "targets"].members
            where member.key.hasPrefix(Self.definitions) && !staged.removals.contains(member.key) {
                guard case .object(let target) = member.value, case .object(let hashes) = target["hashes"],
                    case .string(let digest) = hashes["sha256"]
                else { continue }
                files[member.key] = folder.file(target: member.key, digest: digest)
            }
        }
        for (path, addition) in staged.additions where path.hasPrefix(Self.definitions) {
            files[path] = "\(folder.stagedFiles)/\(addition.digest)"
        }
        for (path, file) in files {
            let name = path.split(separator: "/").last.map(String.init) ?? path
            guard link(file, "\(place)/\(name)") == 0 else {
                if errno == EEXIST {
                    throw RepositoryFailure("two definitions are called '\(name)': one must have another name")
                }
                throw FileFailure(errno, doing: "read \(file)")
            }
        }
        // Without any, there is nothing to find a threat with: they are being removed.
        if files.keys.contains(where: { $0 != Self.versionTarget }) { try test(place) }
    }

    private func removeFiles(in place: String) {
        for name in DurableFiles.names(in: place) { unlink("\(place)/\(name)") }
        rmdir(place)
    }

    func emptyStaging() { removeFiles(in: folder.stagedFiles) }
}

extension JSONObject {
    /// Patches that lead to a target which is being replaced.
    fileprivate func without(deltasOf path: String) -> JSONObject {
        JSONObject(members.filter { !$0.key.hasPrefix("deltas/\(path)/") })
    }
}
