import Synchronization

extension Host {
    private static let lastTask = Atomic<UInt64>(0)

    /// Runs `body` in a task of the component's own: cancelled when the component stops, and waited for then, so that it
    /// must not outlast its cancellation.
    public func start(_ body: @escaping @Sendable () async -> Void) {
        // The numbers of exchanges, of calls and of these are three series.
        let number = Self.lastTask.wrappingAdd(1, ordering: .relaxed).newValue
        link.tasks.start(number | 1 << 62, body)
    }
}
