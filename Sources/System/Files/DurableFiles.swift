internal import Glibc

/// Files that are replaced as a whole: after a crash or a power cut there is the old content or the new one.
package enum DurableFiles {
    /// Writes beside the file, syncs, renames, and syncs the folder (rename(2), fsync(2)). Blocks.
    ///
    /// What an earlier process left beside it is not gone over: its name ends in `.new` and is this process's own.
    package static func replace(_ path: String, with bytes: [UInt8], mode: UInt32 = 0o644) throws(FileFailure) {
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).new"
        do throws(FileFailure) {
            let file = try open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode, doing: "write")
            try write(bytes, to: file.number, called: path)
            // Whatever the umask says.
            guard fchmod(file.number, mode) == 0, fsync(file.number) == 0 else {
                throw FileFailure(errno, doing: "write \(path)")
            }
            try rename(temporary, to: path)
        } catch {
            unlink(temporary)
            throw error
        }
    }

    /// The whole of a regular file. Throws EFBIG where it is longer than `limit`, EISDIR and the like for what is no file.
    /// Blocks.
    package static func read(_ path: String, upTo limit: Int) throws(FileFailure) -> [UInt8] {
        let file = try open(path, O_RDONLY | O_NONBLOCK, doing: "read")
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = Glibc.read(file.number, &piece, piece.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileFailure(errno, doing: "read \(path)")
            }
            bytes += piece.prefix(count)
            guard bytes.count <= limit else { throw FileFailure(EFBIG, doing: "read \(path)") }
        }
    }

    /// rename(2), and a sync of the folder that the new name is in.
    package static func rename(_ old: String, to new: String) throws(FileFailure) {
        guard Glibc.rename(old, new) == 0 else { throw FileFailure(errno, doing: "put \(new) in place") }
        try syncFolder(folder(of: new))
    }

    /// unlink(2); one that is not there is gone already.
    package static func remove(_ path: String) throws(FileFailure) {
        guard unlink(path) == 0 || errno == ENOENT else { throw FileFailure(errno, doing: "remove \(path)") }
    }

    /// The names in a folder that do not begin with a dot; none where there is no folder, or it cannot be read.
    package static func names(in folder: String, upTo limit: Int = .max) -> [String] {
        guard let opened = try? open(folder, O_RDONLY | O_DIRECTORY, doing: "open the folder"),
            let names = try? opened.names(upTo: limit, where: { $0.first != UInt8(ascii: ".") })
        else { return [] }
        return names.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Makes what was done in a folder outlast a power cut.
    package static func syncFolder(_ path: String) throws(FileFailure) {
        let folder = try open(path, O_RDONLY | O_DIRECTORY, doing: "open the folder")
        guard fsync(folder.number) == 0 else { throw FileFailure(errno, doing: "make \(path) durable") }
    }

    /// Makes a folder and what is missing above it; one that is there keeps its mode.
    package static func makeFolders(_ path: String, mode: UInt32 = 0o755) throws(FileFailure) {
        if mkdir(path, mode) == 0 { return }
        if errno == ENOENT, case let above = folder(of: path), above != path {
            try makeFolders(above, mode: mode)
            if mkdir(path, mode) == 0 { return }
        }
        var state = stat()
        guard errno == EEXIST, stat(path, &state) == 0, state.st_mode & S_IFMT == S_IFDIR else {
            throw FileFailure(errno == EEXIST ? ENOTDIR : errno, doing: "make the folder \(path)")
        }
    }

    /// open(2) with `O_CLOEXEC`.
    package static func open(
        _ path: String, _ flags: CInt, _ mode: UInt32 = 0o600, doing: String
    ) throws(FileFailure) -> FileDescriptor {
        while true {
            let number = Glibc.open(path, flags | O_CLOEXEC | O_NOCTTY, mode)
            if number >= 0 { return FileDescriptor(owning: number) }
            if errno != EINTR { throw FileFailure(errno, doing: "\(doing) \(path)") }
        }
    }

    /// write(2) until all is written, at the descriptor's position.
    package static func write(_ bytes: [UInt8], to file: CInt, called path: String) throws(FileFailure) {
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count >= 0 {
                written += count
            } else if errno != EINTR {
                throw FileFailure(errno, doing: "write \(path)")
            }
        }
    }

    /// What is before the last slash; `.` where there is none.
    package static func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }
}
