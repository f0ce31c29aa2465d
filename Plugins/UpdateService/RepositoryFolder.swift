import Files
import Glibc
import UpdateTrust

/// A repository on disk: what is changed in it, each change durable before the next. Blocks.
///
///     metadata/  timestamp.json, N.snapshot.json, N.targets.json, N.<role>.json, N.root.json
///     targets/   <dir>/<digest>.<name>
///     .staging/  what is being fetched
///     .retired   what no publication names any more, and since when
///     .lock      taken by whoever changes something
struct RepositoryFolder: Sendable {
    let path: String
    /// For tests: called before each change with what it is; what it throws ends the run there, as a crash would.
    var step: (@Sendable (String) throws -> Void)?

    init(_ path: String, step: (@Sendable (String) throws -> Void)? = nil) {
        self.path = path
        self.step = step
    }

    var staging: String { "\(path)/.staging" }

    func prepare() throws {
        for folder in ["metadata", "targets", ".staging"] { try DurableFiles.makeFolders("\(path)/\(folder)") }
    }

    /// Throws `UpdateError` of the cause `locked` where another process has it.
    func lock() throws -> FileLock {
        do {
            return try FileLock.take("\(path)/.lock")
        } catch let held as FileLock.Held {
            throw UpdateError(.locked, "\(held)")
        }
    }

    /// nil where there is none.
    func read(_ name: String, upTo limit: Int = 64 << 20) throws -> [UInt8]? {
        do throws(FileFailure) {
            return try DurableFiles.read("\(path)/\(name)", upTo: limit)
        } catch {
            if error.isMissingFile { return nil }
            throw error
        }
    }

    /// Writes what is not there with this content already.
    func write(_ name: String, _ bytes: [UInt8]) throws {
        if try read(name) == bytes { return }
        try step?("write \(name)")
        try DurableFiles.replace("\(path)/\(name)", with: bytes)
    }

    func makeFolder(of name: String) throws {
        try DurableFiles.makeFolders(DurableFiles.folder(of: "\(path)/\(name)"))
    }

    func link(_ from: String, _ to: String) throws {
        try step?("link \(to)")
        if Glibc.link("\(path)/\(from)", "\(path)/\(to)") != 0 {
            // What is there has another size, or it would not be linked to.
            guard errno == EEXIST, unlink("\(path)/\(to)") == 0, Glibc.link("\(path)/\(from)", "\(path)/\(to)") == 0
            else { throw FileFailure(errno, doing: "link \(path)/\(to)") }
        }
        try DurableFiles.syncFolder(DurableFiles.folder(of: "\(path)/\(to)"))
    }

    func remove(_ name: String) throws {
        try step?("remove \(name)")
        guard unlink("\(path)/\(name)") == 0 || errno == ENOENT else {
            throw FileFailure(errno, doing: "remove \(path)/\(name)")
        }
    }

    /// Sizes of the regular files below `metadata` and `targets`, by their path in the repository.
    func files() throws -> [String: UInt64] {
        var found: [String: UInt64] = [:]
        for folder in ["metadata", "targets"] { try list(folder, into: &found, depth: 0) }
        return found
    }

    private func list(_ folder: String, into found: inout [String: UInt64], depth: Int) throws {
        // As deep as a target's path may be long.
        guard depth < 1024 else { return }
        let open = try DurableFiles.open("\(path)/\(folder)", O_RDONLY | O_DIRECTORY | O_NOFOLLOW, doing: "list")
        var folders: [String] = []
        do throws(SystemFailure) {
            let listing = try FolderListing(of: open)
            while let entry = try listing.next() {
                let name = "\(folder)/\(String(decoding: entry.name, as: UTF8.self))"
                var state = stat()
                guard lstat("\(path)/\(name)", &state) == 0 else { continue }
                switch state.st_mode & S_IFMT {
                case S_IFREG: found[name] = UInt64(clamping: state.st_size)
                case S_IFDIR: folders.append(name)
                default: break
                }
            }
        } catch {
            throw FileFailure(error.code, doing: "list \(path)/\(folder)")
        }
        for name in folders { try list(name, into: &found, depth: depth + 1) }
    }

    /// Throws away what was being fetched: nothing is, any more. Only under the lock.
    func emptyStaging() throws {
        let folder = try DurableFiles.open(staging, O_RDONLY | O_DIRECTORY, doing: "list")
        let names = try folder.names(upTo: 100_000) { _ in true }
        for name in names { unlink("\(staging)/\(String(decoding: name, as: UTF8.self))") }
    }
}
