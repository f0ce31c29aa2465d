internal import Files
internal import Glibc

/// The folder of a workstation's definitions, in which one whole set is in use at any moment, whatever happens.
///
///     sets/<version>-<snapshot>/   whole sets, each put here by one rename and never changed
///     current -> sets/…            the set in use; replaced by a rename
///     previous -> sets/…           the one that can be gone back to
///     rolled-back                  the identity of a set that was gone back from, and its version: it is not activated again
///     .staging/                    what is not whole yet
///     .lock                        taken while links change
///     .update.lock                 taken by the one who stages sets and removes what is left over
///
/// Each step leaves either what was or what shall be: a process that begins anew after any of them finds its way. Blocks; any
/// thread.
public struct DefinitionsStore: Sendable {
    public let folder: String
    /// Told of each step behind it. For tests, which end there.
    let reached: @Sendable (String) throws(UpdateError) -> Void

    public init(
        folder: String, reached: @escaping @Sendable (String) throws(UpdateError) -> Void = { _ throws(UpdateError) in }
    ) {
        self.folder = folder
        self.reached = reached
    }

    public var staging: String { "\(folder)/.staging" }
    public var current: String { "\(folder)/current" }
    public func path(of set: DefinitionsSet) -> String { "\(folder)/sets/\(set.name)" }

    /// Makes the folders that are missing.
    public func prepare() throws(UpdateError) {
        try storing { () throws(FileFailure) in
            try DurableFiles.makeFolders("\(folder)/sets")
            try DurableFiles.makeFolders(staging)
        }
    }

    /// Keeps others from staging and tidying until it is let go.
    public struct Update: Sendable {
        fileprivate let lock: FileLock

        public func release() { lock.release() }
    }

    /// Begins to stage sets here. Throws `locked` where another does.
    public func beginUpdate() throws(UpdateError) -> Update {
        do {
            try DurableFiles.makeFolders(folder)
            return Update(lock: try FileLock.take("\(folder)/.update.lock"))
        } catch {
            throw UpdateError(storage: error)
        }
    }

    // MARK: What there is

    /// The set in use; nil: none yet, or `current` leads elsewhere.
    public func currentSet() throws(UpdateError) -> DefinitionsSet? { try set(linkedBy: "current") }

    /// The set that can be gone back to; nil: none.
    public func previousSet() throws(UpdateError) -> DefinitionsSet? {
        let previous = try set(linkedBy: "previous")
        return try previous?.name == currentSet()?.name ? nil : previous
    }

    /// A set that was put in place, used or not; nil: there is none of this identity.
    public func set(ofIdentity identity: String) throws(UpdateError) -> DefinitionsSet? {
        for name in try names(in: "\(folder)/sets") {
            if let set = try? set(named: name), set.identity == identity { return set }
        }
        return nil
    }

    /// Identity and version of the set that somebody went back from; nil: nobody did.
    public func rolledBack() throws(UpdateError) -> (identity: String, version: String)? {
        guard let bytes = try readIfPresent("\(folder)/rolled-back", upTo: 1024) else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split { $0 == " " || $0 == "\n" }
        guard let identity = words.first else { return nil }
        return (String(identity), words.count > 1 ? String(words[1]) : "")
    }

    // MARK: What is done

    /// Puts a whole set that was made in `.staging` among the sets. Its files are durable before its name is.
    ///
    /// Answers it by the name that it has got: the set in use and the previous one keep theirs, be they damaged.
    @discardableResult
    public func put(_ staged: String, as wanted: DefinitionsSet) throws(UpdateError) -> DefinitionsSet {
        var set = wanted
        try storing { () throws(FileFailure) in
            try DurableFiles.replace("\(staged)/\(DefinitionsSet.recordName)", with: set.record)
        }
        try reached("record")
        for name in try names(in: staged) { try sync("\(staged)/\(name)") }
        try storing { () throws(FileFailure) in try DurableFiles.syncFolder(staged) }
        try reached("synced")
        let lock = try lock()
        defer { lock.release() }
        let used = try [target(of: "current"), target(of: "previous")]
        var number = 1
        while used.contains(set.name) {
            number += 1
            set.name = "\(wanted.name)-\(number)"
        }
        // One that nobody uses, perhaps damaged.
        try remove(path(of: set))
        try storing { () throws(FileFailure) in try DurableFiles.rename(staged, to: path(of: set)) }
        try reached("put")
        return set
    }

    /// Makes a set the one in use, and what was in use the previous one.
    public func activate(_ set: DefinitionsSet) throws(UpdateError) {
        let lock = try lock()
        defer { lock.release() }
        if let current = try currentSet(), current.name != set.name, current.identity != set.identity {
            try link("previous", to: current)
            try reached("previous")
        }
        try link("current", to: set)
        try reached("current")
        if let rolledBack = try rolledBack(), rolledBack.identity != set.identity {
            unlink("\(folder)/rolled-back")
            try reached("forgotten")
        }
    }

    /// Goes back to the previous set, which the one in use becomes. Answers both.
    ///
    /// The set that is left is written down first, so that nobody activates it again in between.
    public func rollBack() throws(UpdateError) -> (from: DefinitionsSet, to: DefinitionsSet) {
        let lock = try lock()
        defer { lock.release() }
        guard let from = try currentSet() else {
            throw UpdateError(.missing, "there are no definitions in use in \(folder)")
        }
        guard let to = try previousSet() else {
            throw UpdateError(.missing, "there are no previous definitions in \(folder) to go back to")
        }
        try storing { () throws(FileFailure) in
            try DurableFiles.replace(
                "\(folder)/rolled-back",
                with: Array("\(from.identity) \(DefinitionsSet.printable(from.version))\n".utf8))
        }
        try reached("written")
        try link("current", to: to)
        try reached("current")
        try link("previous", to: from)
        try reached("previous")
        return (from, to)
    }

    /// Removes sets that are neither in use nor previous nor `kept`, and what is left in `.staging` but for that.
    public func collectGarbage(
        keeping kept: Set<String> = [], staged: Set<String> = []
    ) throws(UpdateError) {
        let lock = try lock()
        defer { lock.release() }
        // Where a link cannot be read, nothing is known of what may go.
        let used = Set(try [target(of: "current"), target(of: "previous")].compactMap { $0 }).union(kept)
        for name in try names(in: "\(folder)/sets") where !used.contains(name) {
            try remove("\(folder)/sets/\(name)")
            try reached("removed")
        }
        for name in try names(in: staging) where !staged.contains(name) { try remove("\(staging)/\(name)") }
    }

    // MARK: Pieces

    private func lock() throws(UpdateError) -> FileLock {
        do {
            try DurableFiles.makeFolders(folder)
            return try FileLock.take("\(folder)/.lock", within: 10)
        } catch {
            throw UpdateError(storage: error)
        }
    }

    /// A link is made beside it and put in its place.
    private func link(_ name: String, to set: DefinitionsSet) throws(UpdateError) {
        let temporary = "\(folder)/.\(name).new"
        unlink(temporary)
        guard symlink("sets/\(set.name)", temporary) == 0 else {
            throw UpdateError(storage: FileFailure(errno, doing: "make the link \(temporary)"))
        }
        try reached("link")
        try storing { () throws(FileFailure) in try DurableFiles.rename(temporary, to: "\(folder)/\(name)") }
    }

    /// The name of the set that a link of ours leads to; nil where there is no link, or it is no link of ours.
    private func target(of link: String) throws(UpdateError) -> String? {
        var bytes = [CChar](repeating: 0, count: 4096)
        let count = readlink("\(folder)/\(link)", &bytes, bytes.count)
        guard count >= 0 else {
            if errno == ENOENT || errno == EINVAL { return nil }
            throw UpdateError(storage: FileFailure(errno, doing: "read the link \(folder)/\(link)"))
        }
        let parts = String(decoding: bytes.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
            .split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "sets", !parts[1].isEmpty, !parts[1].hasPrefix(".") else { return nil }
        return String(parts[1])
    }

    private func set(linkedBy link: String) throws(UpdateError) -> DefinitionsSet? {
        guard let name = try target(of: link) else { return nil }
        do throws(UpdateError) {
            return try set(named: name)
        } catch {
            // Of a set whose record is damaged nothing is known: it is in use until another is.
            guard error.cause == .malformed else { throw error }
            return nil
        }
    }

    private func set(named name: String) throws(UpdateError) -> DefinitionsSet? {
        let record = "\(folder)/sets/\(name)/\(DefinitionsSet.recordName)"
        guard let bytes = try readIfPresent(record, upTo: DefinitionsSet.recordLimit) else { return nil }
        return try DefinitionsSet(name: name, record: bytes)
    }

    private func readIfPresent(_ path: String, upTo limit: Int) throws(UpdateError) -> [UInt8]? {
        do throws(FileFailure) {
            return try DurableFiles.read(path, upTo: limit)
        } catch {
            if error.isMissingFile { return nil }
            throw UpdateError(storage: error)
        }
    }

    private func sync(_ path: String) throws(UpdateError) {
        try storing { () throws(FileFailure) in
            let file = try DurableFiles.open(path, O_RDONLY | O_NOFOLLOW, doing: "write")
            guard fsync(file.number) == 0 else { throw FileFailure(errno, doing: "write \(path)") }
        }
    }

    /// None where there is no folder.
    private func names(in path: String) throws(UpdateError) -> [String] {
        do throws(SystemFailure) {
            return try FileDescriptor.open(at: AT_FDCWD, Array(path.utf8), O_RDONLY | O_DIRECTORY)
                .names(upTo: 100_000) { _ in true }.map { String(decoding: $0, as: UTF8.self) }
        } catch {
            if error.code == ENOENT { return [] }
            throw UpdateError(storage: FileFailure(error.code, doing: "look into \(path)"))
        }
    }

    /// A file, link or folder with what is in it: ours have few levels.
    public func remove(_ path: String) throws(UpdateError) {
        if unlink(path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else {
            throw UpdateError(storage: FileFailure(errno, doing: "remove \(path)"))
        }
        for name in try names(in: path) { try remove("\(path)/\(name)") }
        guard rmdir(path) == 0 || errno == ENOENT else {
            throw UpdateError(storage: FileFailure(errno, doing: "remove \(path)"))
        }
    }

    private func storing(_ body: () throws(FileFailure) -> Void) throws(UpdateError) {
        do throws(FileFailure) { try body() } catch { throw UpdateError(storage: error) }
    }
}
