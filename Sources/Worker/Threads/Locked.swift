internal import Glibc

/// A value behind a lock (pthread_mutex_lock(3)).
///
/// Not the Mutex of Synchronization: that one waits inside the runtime's library, where ThreadSanitizer does not see it,
/// so every value it guards would be reported as a race.
final class Locked<Value>: @unchecked Sendable {
    // Safe to share: the value is touched only between lock and unlock, and what goes in or out is `sending`.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    init(_ value: sending Value) {
        mutex = .allocate(capacity: 1)
        // Fails only for attributes, of which there are none.
        pthread_mutex_init(mutex, nil)
        self.value = value
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` alone with the value. Never call out of the worker from it, nor lock twice.
    func withLock<Result, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
