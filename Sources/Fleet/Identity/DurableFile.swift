import Glibc

/// A file that is read whole and replaced whole: a crash leaves the old or the new one (rename(2), fsync(2)).
public struct DurableFile: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    private var folder: String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    public func read(limit: Int) throws(FleetIdentityError) -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw failure("cannot be read") }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(file, &piece, piece.count)
            if count == 0 { return bytes }
            if count < 0 {
                if errno == EINTR { continue }
                throw failure("cannot be read")
            }
            bytes += piece.prefix(count)
            guard bytes.count <= limit else {
                throw FleetIdentityError("\(path) is larger than \(limit >> 10) KiB: it is something else")
            }
        }
    }

    /// - Parameter owner: nil: whose the file is now, where the system allows it; or whoever writes.
    public func replace(
        with bytes: [UInt8], mode: UInt32, owner: (uid: UInt32, gid: UInt32)? = nil
    ) throws(FleetIdentityError) {
        var former = stat()
        // What a link would lead to is not touched: the link itself is replaced.
        let hasFormer = lstat(path, &former) == 0 && former.st_mode & S_IFMT == S_IFREG
        let temporary = "\(path).\(getpid()).\(UInt32.random(in: 0 ... .max)).new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw failure("cannot be written") }
        defer { close(file) }
        do throws(FleetIdentityError) {
            try write(bytes, to: file)
            if let owner {
                guard fchown(file, owner.uid, owner.gid) == 0 else { throw failure("cannot be given to its user") }
            } else if hasFormer, geteuid() == 0 {
                guard fchown(file, former.st_uid, former.st_gid) == 0 else { throw failure("cannot keep its owner") }
            }
            guard fchmod(file, mode) == 0, fsync(file) == 0, rename(temporary, path) == 0 else {
                throw failure("cannot be written")
            }
        } catch {
            unlink(temporary)
            throw error
        }
        try syncFolder()
    }

    /// Makes the folder at this path, and what is missing above it. One that is there keeps its mode.
    public func makeFolder(mode: UInt32, owner: (uid: UInt32, gid: UInt32)? = nil) throws(FleetIdentityError) {
        var status = stat()
        if stat(path, &status) == 0 {
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw FleetIdentityError("\(path) is there and is no folder")
            }
        } else {
            if folder != path { try DurableFile(path: folder).makeFolder(mode: 0o755) }
            guard mkdir(path, mode) == 0 || errno == EEXIST else { throw failure("cannot be made") }
            // Whatever the umask says.
            guard chmod(path, mode) == 0 else { throw failure("cannot be made") }
        }
        guard let owner else { return }
        guard lchown(path, owner.uid, owner.gid) == 0 else { throw failure("cannot be given to its user") }
    }

    /// Refuses a folder in which this process may make no files.
    func checkWritable() throws(FleetIdentityError) {
        guard access(path, W_OK | X_OK) == 0 else { throw failure("cannot be written in") }
    }

    private func write(_ bytes: [UInt8], to file: CInt) throws(FleetIdentityError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw failure("cannot be written")
            }
        }
    }

    private func syncFolder() throws(FleetIdentityError) {
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard directory >= 0 else { throw failure("was written, and its folder cannot be opened") }
        defer { close(directory) }
        guard fsync(directory) == 0 else { throw failure("was written, and its folder cannot be made durable") }
    }

    private func failure(_ what: String) -> FleetIdentityError {
        let number = errno
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let start = buffer.baseAddress, strerror_r(number, start, buffer.count) == 0 else {
                return FleetIdentityError("\(path) \(what) (error \(number))")
            }
            return FleetIdentityError("\(path) \(what): \(String(cString: start))")
        }
    }
}
