internal import CLinux
internal import Glibc

/// A thread of the worker's own (pthreads(7)).
///
/// Neither Dispatch nor async: their pools grow and share threads, while the blocking calls of a plugin need threads
/// that are counted.
struct WorkerThread: @unchecked Sendable {
    // Safe to send: pthread_t is a name, and pthread_join may be called from any thread (once, which `join` says).
    private let thread: pthread_t

    /// Starts a thread that runs `body` and ends. `name` is cut to 15 bytes.
    init(name: String, body: sending @escaping () -> Void) throws(ThreadFailure) {
        var thread = pthread_t()
        let box = Unmanaged.passRetained(Body(name: name, run: body))
        let status = pthread_create(&thread, nil, startThread, box.toOpaque())
        guard status == 0 else {
            box.release()
            throw ThreadFailure("starting the thread \(name)", errno: status)
        }
        self.thread = thread
    }

    /// Waits for its end. Once for each thread.
    func join() { pthread_join(thread, nil) }

    /// Lets its memory go by itself at its end, instead of `join`.
    func detach() { pthread_detach(thread) }
}

private final class Body {
    let name: String
    let run: () -> Void

    init(name: String, run: @escaping () -> Void) {
        self.name = name
        self.run = run
    }
}

private func startThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
    // PR_SET_NAME names the calling thread.
    _ = clinux_set_process_name(body.name)
    body.run()
    return nil
}
