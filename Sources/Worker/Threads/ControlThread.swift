internal import Glibc

/// Which thread is the control thread: the one that made this value.
struct ControlThread: @unchecked Sendable {
    // Safe to send: pthread_t is a name, and it is only compared.
    private let thread = pthread_self()

    var isCurrent: Bool { pthread_equal(thread, pthread_self()) != 0 }
}
