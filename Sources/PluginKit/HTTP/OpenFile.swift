import Glibc

/// An open file, closed when the last who uses it has let go: the host, while it sends the file, is one of them.
public final class OpenFile: Sendable {
    /// Only to be read from, at explicit offsets: its position is shared by all who use it.
    public let descriptor: CInt

    /// Takes over an open descriptor.
    public init(owning descriptor: CInt) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Reads up to `count` bytes from `offset`; fewer only at the end of the file. May block: for the worker pool.
    /// Throws `SystemError`.
    public func read(_ count: Int, at offset: UInt64) throws -> [UInt8] {
        guard let offset = off_t(exactly: offset), count > 0 else { return [] }
        return try [UInt8](unsafeUninitializedCapacity: count) { buffer, used in
            while used < count {
                let got = pread(descriptor, buffer.baseAddress.map { $0 + used }, count - used, offset + off_t(used))
                if got == 0 { return }
                if got > 0 { used += got } else if errno != EINTR { throw SystemError(errno, doing: "read a file") }
            }
        }
    }
}

/// A system call that failed.
public struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// errno: `ENOENT` and the like.
    public let code: CInt
    /// What was being done: `open /srv/updates`.
    public let doing: String

    public init(_ code: CInt, doing: String) {
        self.code = code
        self.doing = doing
    }

    /// The system's words for `code`: `No such file or directory`.
    public var reason: String { String(cString: strerror(code)) }

    public var description: String { "Could not \(doing): \(reason)." }
}
