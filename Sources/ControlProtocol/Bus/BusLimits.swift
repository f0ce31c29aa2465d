/// How much the bus takes. The contract's numbers are in `muster/ext/bus.h`; the others say when a queue is full.
public enum BusLimits {
    /// Bytes of a payload.
    public static let payload = 256 << 10
    /// Bytes of a topic, a service or a method.
    public static let name = 256
    /// Bytes of a reason.
    public static let reason = 1024
    /// The longest that a call may take, nanoseconds.
    public static let timeout: UInt64 = 3_600_000_000_000
    /// Calls of one component that may be under way, and calls to one component that may be unanswered.
    public static let calls = 1024
    /// Messages and calls that a component may publish and make in a second, and at once after a pause.
    public static let messagesPerSecond: UInt64 = 4096

    /// Bytes that wait for the supervisor to read: beyond it a worker publishes and calls no more.
    public static let outgoingBytes = 4 << 20
    /// The same for replies, which are owed.
    public static let outgoingReplyBytes = 8 << 20
    /// Messages and calls that wait for a component's control thread, in number and bytes.
    public static let incoming = 1024
    public static let incomingBytes = 8 << 20
}

/// How fast a component may send: `rate` in a second, and as many at once after a pause. Pure: the time is passed in.
///
/// The generic cell rate algorithm (ITU-T I.371, annex A) in nanoseconds.
public struct BusRate: Sendable {
    private let interval: UInt64
    private let tolerance: UInt64
    /// When the next message would come from one who keeps the rate exactly.
    private var expected: UInt64 = 0

    public init(perSecond rate: UInt64) {
        interval = 1_000_000_000 / max(rate, 1)
        tolerance = interval * max(rate, 1)
    }

    /// Whether one more is within the rate, and if so counts it.
    public mutating func allows(at now: UInt64) -> Bool {
        let expected = max(expected, now)
        guard expected - now < tolerance else { return false }
        self.expected = expected + interval
        return true
    }
}
