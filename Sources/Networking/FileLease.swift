internal import Glibc
internal import NIOCore

/// A part of an open file, lent to the server until the last reference to the lease is gone; then `release` is called,
/// once, on whatever thread that happens.
public final class FileLease: Sendable {
    let descriptor: CInt
    let offset: UInt64
    let length: UInt64
    private let release: @Sendable () -> Void

    /// - Parameters:
    ///   - descriptor: a regular file open for reading; it stays the caller's.
    ///   - offset: where to begin, in bytes.
    ///   - length: how many bytes to send.
    ///   - release: the descriptor may be closed.
    public init(descriptor: CInt, offset: UInt64, length: UInt64, release: @escaping @Sendable () -> Void) {
        self.descriptor = descriptor
        self.offset = offset
        self.length = length
        self.release = release
    }

    deinit { release() }

    /// Whether the file reaches to the end of the part.
    var isSound: Bool {
        guard descriptor >= 0 else { return false }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_mode & S_IFMT == S_IFREG, facts.st_size >= 0 else {
            return false
        }
        let (end, overflows) = offset.addingReportingOverflow(length)
        return !overflows && end <= UInt64(facts.st_size)
    }
}
