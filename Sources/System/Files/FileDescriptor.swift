internal import Glibc

/// An open descriptor, closed with its owner. Calls that a signal interrupts are made again.
package struct FileDescriptor: ~Copyable, Sendable {
    package let number: CInt

    package init(owning number: CInt) { self.number = number }

    deinit { close(number) }

    /// openat(2) with `O_CLOEXEC`.
    package static func open(at folder: CInt, _ name: [UInt8], _ flags: CInt) throws(SystemFailure) -> FileDescriptor {
        while true {
            let number = name.withCString { openat(folder, $0, flags | O_CLOEXEC | O_NOCTTY) }
            if number >= 0 { return FileDescriptor(owning: number) }
            if errno != EINTR { throw SystemFailure(errno) }
        }
    }

    /// O_PATH of open(2), which the C library shows to GNU programs only: names a file without opening it. The same number
    /// on every architecture that Swift has on Linux.
    package static let onlyToName: CInt = 0o10_000_000

    /// O_NOATIME, likewise: reading leaves no trace. The kernel grants it to the file's owner and to root.
    package static let noTrace: CInt = 0o1_000_000

    /// Reads a file without changing when it was read last, where that is allowed. A FIFO without a writer does not block.
    package static func openForReading(at folder: CInt, _ name: [UInt8]) throws(SystemFailure) -> FileDescriptor {
        let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
        do {
            return try open(at: folder, name, flags | noTrace)
        } catch {
            guard error.code == EPERM else { throw error }
            return try open(at: folder, name, flags)
        }
    }

    /// Up to the buffer's size; 0 at the end.
    package func read(_ buffer: UnsafeMutableRawBufferPointer) throws(SystemFailure) -> Int {
        while true {
            let count = Glibc.read(number, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw SystemFailure(errno) }
        }
    }

    /// The names in a folder that are wanted, without `.` and `..`.
    package func names(upTo limit: Int, where isWanted: ([UInt8]) -> Bool) throws(SystemFailure) -> [[UInt8]] {
        var names: [[UInt8]] = []
        let listing = try FolderListing(of: self)
        while names.count < limit, let entry = try listing.next() {
            if isWanted(entry.name) { names.append(entry.name) }
        }
        return names
    }
}
