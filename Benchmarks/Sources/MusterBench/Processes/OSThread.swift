import Glibc

/// A thread for blocking work. It must be joined.
final class OSThread: Sendable {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let handle: pthread_t

    init(_ run: @escaping @Sendable () -> Void) throws {
        var handle = pthread_t()
        let body = Unmanaged.passRetained(Body(run))
        let error = pthread_create(
            &handle, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        guard error == 0 else {
            body.release()
            throw BenchError("cannot start a thread: \(describe(errno: error))")
        }
        self.handle = handle
    }

    func join() { pthread_join(handle, nil) }
}

/// CLOCK_MONOTONIC, nanoseconds.
func monotonicNow() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// Polls until `condition` gives a value; fails after `seconds` with what it waited for.
func poll<Value>(
    _ what: @autoclosure () -> String, within seconds: Double, everyMicroseconds pause: Int = 500,
    _ condition: () throws -> Value?
) throws -> Value {
    let deadline = monotonicNow() + UInt64(seconds * 1e9)
    while true {
        if let value = try condition() { return value }
        guard monotonicNow() < deadline else { throw BenchError("waited \(seconds) s in vain until \(what())") }
        var time = timespec(tv_sec: 0, tv_nsec: pause * 1000)
        nanosleep(&time, nil)
    }
}
