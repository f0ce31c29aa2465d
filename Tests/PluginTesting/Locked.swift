import Glibc

/// A value behind a lock, for values full of pointers, which `Mutex` refuses to take from a caller.
final class Locked<Value>: @unchecked Sendable {
    // Unchecked: `value` is touched under `mutex` alone. What its pointers name is the plugin's or the fake host's, and
    // the ABI says how long it lives.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    init(_ value: Value) {
        self.value = value
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    func withLock<Result>(_ body: (inout Value) throws -> Result) rethrows -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
