internal import Dispatch
internal import Locks

/// Waits on the command's thread for what is done in tasks.
enum Waiting {
    static func `for`<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) -> Value {
        let (result, done) = (Locked<Value?>(nil), DispatchSemaphore(value: 0))
        Task {
            let value = await body()
            result.withLock { $0 = value }
            done.signal()
        }
        done.wait()
        guard let value = result.withLock({ $0 }) else { fatalError("the task has signalled, so there is a value") }
        return value
    }
}
