import Locks

/// Says how far a long transfer is, every ten seconds, in fields for a line of the log. Any thread.
public final class TransferProgress: Sendable {
    static let pause = Duration.seconds(10)

    private let say: @Sendable (KeyValuePairs<String, String>) -> Void
    private let clock: @Sendable () -> SuspendingClock.Instant
    private let last: Locked<SuspendingClock.Instant>

    public convenience init(_ say: @escaping @Sendable (KeyValuePairs<String, String>) -> Void) {
        self.init(clock: { .now }, say)
    }

    init(
        clock: @escaping @Sendable () -> SuspendingClock.Instant,
        _ say: @escaping @Sendable (KeyValuePairs<String, String>) -> Void
    ) {
        self.say = say
        self.clock = clock
        last = Locked(clock())
    }

    /// - Parameters:
    ///   - fetched: bytes so far.
    ///   - whole: bytes there will be.
    ///   - target: which file is under way.
    public func tell(_ fetched: UInt64, of whole: UInt64, _ target: String) {
        let now = clock()
        let isTime = last.withLock { last in
            guard now - last >= Self.pause else { return false }
            last = now
            return true
        }
        guard isTime else { return }
        let percent = whole > 0 ? UInt64(min(100, Double(fetched) / Double(whole) * 100)) : 100
        say(["fetched_bytes": "\(fetched)", "of_bytes": "\(whole)", "percent": "\(percent)", "target": target])
    }
}
