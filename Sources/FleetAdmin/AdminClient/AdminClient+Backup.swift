internal import Fleet
internal import Glibc

extension AdminClient {
    /// Fetches a consistent copy of the fleet's store into a file of mode 0600: the file is whole or not there.
    /// - Parameter replaces: whether a file of that name may be written over.
    /// - Returns: its bytes.
    public func backUp(to path: String, replaces: Bool) throws(AdminFailure) -> Int64 {
        guard replaces || !isThere(path) else { throw Self.exists(path) }
        let temporary = "\(path).\(getpid()).part"
        let descriptor = open(temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure("create", temporary, errno) }
        var isKept = false
        defer {
            close(descriptor)
            if !isKept { unlink(temporary) }
        }
        var call = AdminCall(.clients, "v1", "backup")
        call.accepts = "application/vnd.sqlite3"
        let transfer = try start(call, file: descriptor)
        transfer.exchange.wait()
        _ = try Self.answer(of: transfer, to: call)
        try checkIsStore(descriptor, at: transfer.address)
        guard fsync(descriptor) == 0 else { throw Self.failure("write", temporary, errno) }
        var status = stat()
        fstat(descriptor, &status)
        try Self.put(temporary, at: path, replaces: replaces)
        isKept = true
        return Int64(status.st_size)
    }

    private func isThere(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// The first bytes of every SQLite database (sqlite.org/fileformat2.html, section 1.3).
    private func checkIsStore(_ descriptor: CInt, at address: ServerAddress) throws(AdminFailure) {
        var start = [UInt8](repeating: 0, count: 16)
        guard pread(descriptor, &start, 16, 0) == 16, start.elementsEqual("SQLite format 3\0".utf8) else {
            throw Self.notOurs(address, "what it sent as its backup is no SQLite database")
        }
    }

    private static func put(_ temporary: String, at path: String, replaces: Bool) throws(AdminFailure) {
        if replaces {
            guard rename(temporary, path) == 0 else { throw failure("write", path, errno) }
        } else {
            // Unlike rename(2), link(2) never takes the place of a file that has come meanwhile.
            guard link(temporary, path) == 0 else {
                throw errno == EEXIST ? exists(path) : failure("write", path, errno)
            }
            unlink(temporary)
        }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = fsync(descriptor)
        close(descriptor)
    }

    private static func exists(_ path: String) -> AdminFailure {
        AdminFailure(.local, "\(path) exists", advice: "Name another file, or write over it with --force.")
    }

    private static func failure(_ doing: String, _ path: String, _ error: CInt) -> AdminFailure {
        AdminFailure(
            .local, "cannot \(doing) \(path): \(String(cString: strerror(error)))",
            advice: error == ENOSPC ? "Free some space, or name a file on another disk." : nil)
    }
}
