internal import Glibc

/// A value behind a lock (pthread_mutex_lock(3)).
///
/// Not the Mutex of Synchronization: that one waits inside the runtime's library, where ThreadSanitizer does not see it,
/// so every value it guards would be reported as a race.
///
/// Threads: any. The lock is not recursive: never call out of the module that owns it from `withLock`.
public final class Locked<Value>: @unchecked Sendable {
    // Safe to share: the value is touched only between lock and unlock, and what goes in or out is `sending`.
    @usableFromInline let lock = Lock()
    @usableFromInline var value: Value

    @inlinable public init(_ value: sending Value) {
        self.value = value
    }

    /// Runs `body` alone with the value.
    @inlinable public func withLock<Result, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        lock.lock()
        defer { lock.unlock() }
        return try body(&value)
    }
}

/// A mutex at an address that does not change.
@usableFromInline struct Lock: ~Copyable, @unchecked Sendable {
    // Safe to share: this is what a mutex is for.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>

    @usableFromInline init() {
        mutex = .allocate(capacity: 1)
        // Fails only for attributes, of which there are none.
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    @usableFromInline func lock() { pthread_mutex_lock(mutex) }

    @usableFromInline func unlock() { pthread_mutex_unlock(mutex) }
}
