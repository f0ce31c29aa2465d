import Glibc

/// Runs blocking code on a thread of its own: the pool that tests run on has as many threads as there are cores, and two
/// tests that wait for each other's tasks would wait for ever.
func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) -> Task<Value, any Error> {
    Task {
        try await withCheckedThrowingContinuation { continuation in
            let box = Unmanaged.passRetained(Body { continuation.resume(with: Result(catching: body)) })
            var thread = pthread_t()
            let status = pthread_create(
                &thread, nil,
                { context in
                    if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                    return nil
                }, box.toOpaque())
            precondition(status == 0, "no thread for a test")
            pthread_detach(thread)
        }
    }
}

private final class Body {
    let run: () -> Void

    init(_ run: @escaping () -> Void) { self.run = run }
}
