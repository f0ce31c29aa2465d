import Glibc

/// An open descriptor, closed with its owner. Calls that a signal interrupts are made again.
struct FileDescriptor: ~Copyable {
    let number: CInt

    init(owning number: CInt) { self.number = number }

    deinit { close(number) }

    /// openat(2) with `O_CLOEXEC`.
    static func open(at folder: CInt, _ name: [UInt8], _ flags: CInt) throws(SystemFailure) -> FileDescriptor {
        while true {
            let number = name.withCString { openat(folder, $0, flags | O_CLOEXEC | O_NOCTTY) }
            if number >= 0 { return FileDescriptor(owning: number) }
            if errno != EINTR { throw SystemFailure(errno) }
        }
    }

    /// O_PATH of open(2), which the C library shows to GNU programs only: names a file without opening it. The same number
    /// on every architecture that Swift has on Linux.
    static let onlyToName: CInt = 0o10_000_000

    /// O_NOATIME, likewise: reading leaves no trace. The kernel grants it to the file's owner and to root.
    static let noTrace: CInt = 0o1_000_000

    /// Reads a file without changing when it was read last, where that is allowed. A FIFO without a writer does not block.
    static func openForReading(at folder: CInt, _ name: [UInt8]) throws(SystemFailure) -> FileDescriptor {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
        do {
            return try open(at: folder, name, flags | noTrace)
        } catch {
            guard error.code == EPERM else { throw error }
            return try open(at: folder, name, flags)
        }
    }

    /// Up to the buffer's size; 0 at the end.
    func read(_ buffer: UnsafeMutableRawBufferPointer) throws(SystemFailure) -> Int {
        while true {
            let count = Glibc.read(number, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw SystemFailure(errno) }
        }
    }

    /// The names in a folder that are wanted, without `.` and `..`.
    func names(upTo limit: Int, where isWanted: ([UInt8]) -> Bool) throws(SystemFailure) -> [[UInt8]] {
        var names: [[UInt8]] = []
        let listing = try FolderListing(of: self)
        while names.count < limit, let entry = try listing.next() {
            if isWanted(entry.name) { names.append(entry.name) }
        }
        return names
    }
}

/// A system call that failed.
struct SystemFailure: Error, Hashable, Sendable {
    /// errno.
    var code: CInt

    init(_ code: CInt) { self.code = code }

    /// The system's words: `Permission denied`.
    var sentence: String { String(cString: strerror(code)) }
}

/// The entries of a folder, in the file system's order (readdir(3)).
struct FolderListing: ~Copyable {
    struct Entry {
        var name: [UInt8]
        var inode: UInt64
        /// `DT_REG` and the like; `DT_UNKNOWN` where the file system does not say.
        var type: UInt8
    }

    private let stream: OpaquePointer

    /// Has a descriptor of its own, so that the folder's stays usable.
    init(of folder: borrowing FileDescriptor) throws(SystemFailure) {
        let own = openat(folder.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { throw SystemFailure(errno) }
        guard let stream = fdopendir(own) else {
            let code = errno
            close(own)
            throw SystemFailure(code)
        }
        self.stream = stream
    }

    deinit { closedir(stream) }

    /// nil at the end; `.` and `..` are left out.
    func next() throws(SystemFailure) -> Entry? {
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw SystemFailure(errno) }
                return nil
            }
            // The name ends at its NUL, within the record's length.
            guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return nil }
            let start = (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self)
            let name = UnsafeRawBufferPointer(start: start, count: strlen(start))
            if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { continue }
            return Entry(name: Array(name), inode: UInt64(entry.pointee.d_ino), type: entry.pointee.d_type)
        }
    }
}

extension [UInt8] {
    /// A name as C wants it; what follows a NUL is not seen by the system, so names with one are refused before.
    func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (self + [0]).withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { chars in
                guard let start = chars.baseAddress else { preconditionFailure("there is always the NUL") }
                return body(start)
            }
        }
    }
}
