import CDigest
import CLinux
import ControlProtocol
import Glibc

/// Files and directories of the host's own.
enum Files {
    /// Opens a file or directory, close-on-exec.
    static func open(_ path: String, _ flags: CInt, mode: mode_t = 0) throws(SystemError) -> Descriptor {
        Descriptor(owning: try retrying("opening \(path)") { Glibc.open(path, flags | O_CLOEXEC, mode) })
    }

    /// Opens a file that is there; one that is closed to this process as `account` would, if it may.
    static func open(_ path: String, _ flags: CInt, orAs account: Account?) throws(SystemError) -> Descriptor {
        do throws(SystemError) {
            return try open(path, flags)
        } catch {
            guard error.number == EACCES, let account else { throw error }
            let result = clinux_open_as(path, flags, account.userID, account.groupID)
            // The first reason is the better one where the second is only that it may not.
            guard result >= 0 else { throw result == -EPERM ? error : SystemError("opening \(path)", number: -result) }
            return Descriptor(owning: result)
        }
    }

    static func status(_ path: String) throws(SystemError) -> stat {
        var status = stat()
        try retrying("looking at \(path)") { stat(path, &status) }
        return status
    }

    static func status(_ descriptor: Descriptor, _ path: String) throws(SystemError) -> stat {
        var status = stat()
        try retrying("looking at \(path)") { fstat(descriptor.rawValue, &status) }
        return status
    }

    /// Reads a whole file, refusing more than `limit` bytes.
    static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        try read(try open(path, O_RDONLY), path, limit: limit)
    }

    static func read(_ file: Descriptor, _ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count <= limit {
            let chunk = try read(file, atMost: 1 << 16, path)
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
        throw SystemError("reading \(path)", number: EFBIG)
    }

    /// Reads the first `limit` bytes of a file, or all of a shorter one.
    static func readBeginning(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        let file = try open(path, O_RDONLY)
        var bytes: [UInt8] = []
        while bytes.count < limit {
            let chunk = try read(file, atMost: min(1 << 16, limit - bytes.count), path)
            if chunk.isEmpty { break }
            bytes += chunk
        }
        return bytes
    }

    static func read(_ file: Descriptor, atMost count: Int, _ path: String) throws(SystemError) -> [UInt8] {
        var result: Result<Int, SystemError> = .success(0)
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            do throws(SystemError) {
                let length = try retrying("reading \(path)") {
                    Glibc.read(file.rawValue, buffer.baseAddress, buffer.count)
                }
                initialized = length
            } catch {
                result = .failure(error)
            }
        }
        _ = try result.get()
        return bytes
    }

    /// SHA-256 of a whole file, in hexadecimal, lower case.
    static func digest(_ file: Descriptor, _ path: String) throws(SystemError) -> String {
        var result = [UInt8](repeating: 0, count: 32)
        let error = cdigest_sha256(file.rawValue, &result)
        guard error == 0 else { throw SystemError("computing SHA-256 of \(path)", number: error) }
        return result.map { byte in
            let digits = String(byte, radix: 16)
            return digits.utf8.count == 1 ? "0" + digits : digits
        }.joined()
    }

    static func write(_ bytes: [UInt8], to file: Descriptor, _ path: String) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            written += try retrying("writing \(path)") {
                bytes[written...].withUnsafeBytes { Glibc.write(file.rawValue, $0.baseAddress, $0.count) }
            }
        }
    }

    /// Replaces a file so that a crash leaves the old or the new one, whole: a temporary one beside it, fsync, rename.
    static func replace(_ path: String, with bytes: [UInt8], mode: mode_t) throws(SystemError) {
        let temporary = "\(path).\(getpid()).new"
        do throws(SystemError) {
            _ = unlink(temporary)
            let file = try open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: mode)
            try write(bytes, to: file, temporary)
            try retrying("setting the mode of \(temporary)") { fchmod(file.rawValue, mode) }
            try retrying("writing \(temporary)") { fsync(file.rawValue) }
            try retrying("renaming \(temporary) to \(path)") { rename(temporary, path) }
        } catch {
            _ = unlink(temporary)
            throw error
        }
    }

    /// Makes a directory and what is missing above it. One that exists keeps its mode.
    static func makeDirectory(_ path: String, mode: mode_t, aboveMode: mode_t = 0o755) throws(SystemError) {
        if let status = try? status(path), status.st_mode & S_IFMT == S_IFDIR { return }
        let above = directory(of: path)
        if above != path { try makeDirectory(above, mode: aboveMode, aboveMode: aboveMode) }
        if mkdir(path, mode) == 0 {
            // Whatever the umask says.
            try retrying("setting the mode of \(path)") { chmod(path, mode) }
        } else if errno != EEXIST {
            throw SystemError("creating \(path)")
        }
    }

    /// The names in a directory, without `.` and `..`, sorted.
    static func names(in path: String) throws(SystemError) -> [String] {
        guard let directory = opendir(path) else { throw SystemError("reading the directory \(path)") }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { field in
                field.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    // MARK: Paths

    static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    static func name(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }

    static func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        guard let current = getcwd(nil, 0) else { return path }
        defer { free(current) }
        return String(cString: current) + "/" + path
    }

    /// The program that runs, as the kernel knows it.
    static func executablePath() -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let length = readlink("/proc/self/exe", start, buffer.count - 1)
            guard length > 0 else { return nil }
            buffer[length] = 0
            return String(cString: start)
        }
    }
}
