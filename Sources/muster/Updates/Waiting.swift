internal import Dispatch
internal import Locks

/// Waits on the command's main thread for what tasks do.
enum Waiting {
    /// Blocks until the end of `body`, and gives or throws what came of it.
    static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let outcome = Locked<Result<Value, any Error>?>(nil)
        let hasEnded = DispatchSemaphore(value: 0)
        Task {
            let result: Result<Value, any Error>
            do { result = .success(try await body()) } catch { result = .failure(error) }
            outcome.withLock { $0 = result }
            hasEnded.signal()
        }
        // It is there after the first wait: this only has no other way to say so.
        while true {
            hasEnded.wait()
            if let result = outcome.withLock({ $0 }) { return try result.get() }
        }
    }
}
