internal import Glibc

/// A counting semaphore (sem_overview(7)) at an address of its own.
final class Semaphore: @unchecked Sendable {
    // Safe to share: sem_post and sem_wait are made for several threads, and the memory lives as long as this object.
    private let semaphore: UnsafeMutablePointer<sem_t>

    init() {
        semaphore = .allocate(capacity: 1)
        // Fails only for a value beyond SEM_VALUE_MAX.
        sem_init(semaphore, 0, 0)
    }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }

    func wait() {
        // EINTR: a signal handler ran.
        while sem_wait(semaphore) != 0 {}
    }
}
