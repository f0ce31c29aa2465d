internal import Glibc

/// An open file descriptor with one owner, closed when the last reference to it goes.
///
/// A class rather than a `~Copyable` struct, since descriptors travel in arrays and in queues between threads.
public final class Descriptor: Sendable {
    /// The number. Never close it: that is the owner's.
    public let rawValue: CInt

    /// Takes ownership of an open descriptor.
    public init(owning rawValue: CInt) {
        self.rawValue = rawValue
    }

    deinit {
        // EINTR included, Linux has released the number when close returns (close(2)).
        _ = close(rawValue)
    }
}
