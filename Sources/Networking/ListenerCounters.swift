import Synchronization

/// What a listener has done, and has open now.
public struct HTTPActivity: Sendable, Equatable {
    /// Open now.
    public var connections = 0
    /// Exchanges under way now.
    public var exchanges = 0
    public var acceptedConnections: UInt64 = 0
    public var requests: UInt64 = 0
    /// Answers by status class: index 0 is 1xx, 4 is 5xx.
    public var responsesByClass: [UInt64] = [0, 0, 0, 0, 0]
    public var receivedBytes: UInt64 = 0
    /// Handed to the kernel or about to be.
    public var sentBytes: UInt64 = 0
    /// TLS: handshakes with a certificate, those that took up a former session, and those that came to nothing.
    public var fullHandshakes: UInt64 = 0
    public var resumedHandshakes: UInt64 = 0
    public var failedHandshakes: UInt64 = 0
    public var durations = DurationCounts()
}

/// The counters of one listener on one loop. One thread writes, any thread reads, so that plain loads and stores
/// suffice and counting costs next to nothing.
final class ListenerCounters: Sendable {
    private let connections = Atomic<Int>(0)
    private let exchanges = Atomic<Int>(0)
    private let accepted = Atomic<UInt64>(0)
    private let requests = Atomic<UInt64>(0)
    private let informational = Atomic<UInt64>(0)
    private let successful = Atomic<UInt64>(0)
    private let redirecting = Atomic<UInt64>(0)
    private let refused = Atomic<UInt64>(0)
    private let failed = Atomic<UInt64>(0)
    private let received = Atomic<UInt64>(0)
    private let sent = Atomic<UInt64>(0)
    private let fullHandshakes = Atomic<UInt64>(0)
    private let resumedHandshakes = Atomic<UInt64>(0)
    private let failedHandshakes = Atomic<UInt64>(0)
    private let durations = DurationCounters()

    func connectionOpened() {
        Self.add(1, to: connections)
        Self.add(1, to: accepted)
    }

    func connectionClosed() { Self.add(-1, to: connections) }
    func exchangeBegan() { Self.add(1, to: exchanges) }
    func exchangeEnded() { Self.add(-1, to: exchanges) }
    func requestCame() { Self.add(1, to: requests) }
    func countReceived(_ bytes: Int) { Self.add(UInt64(truncatingIfNeeded: bytes), to: received) }
    func countSent(_ bytes: UInt64) { Self.add(bytes, to: sent) }

    func handshakeDone(isResumed: Bool) {
        if isResumed { Self.add(1, to: resumedHandshakes) } else { Self.add(1, to: fullHandshakes) }
    }
    /// - Parameter duration: from the request's whole head to its answer being written, nanoseconds.
    func answered(after duration: UInt64) { durations.count(duration) }

    func handshakeFailed() { Self.add(1, to: failedHandshakes) }

    func countAnswer(_ status: Int) {
        switch status {
        case 100...199: Self.add(1, to: informational)
        case 200...299: Self.add(1, to: successful)
        case 300...399: Self.add(1, to: redirecting)
        case 400...499: Self.add(1, to: refused)
        default: Self.add(1, to: failed)
        }
    }

    func add(to total: inout HTTPActivity) {
        total.connections += connections.load(ordering: .relaxed)
        total.exchanges += exchanges.load(ordering: .relaxed)
        total.acceptedConnections += accepted.load(ordering: .relaxed)
        total.requests += requests.load(ordering: .relaxed)
        total.responsesByClass[0] += informational.load(ordering: .relaxed)
        total.responsesByClass[1] += successful.load(ordering: .relaxed)
        total.responsesByClass[2] += redirecting.load(ordering: .relaxed)
        total.responsesByClass[3] += refused.load(ordering: .relaxed)
        total.responsesByClass[4] += failed.load(ordering: .relaxed)
        total.receivedBytes += received.load(ordering: .relaxed)
        total.sentBytes += sent.load(ordering: .relaxed)
        total.fullHandshakes += fullHandshakes.load(ordering: .relaxed)
        total.resumedHandshakes += resumedHandshakes.load(ordering: .relaxed)
        total.failedHandshakes += failedHandshakes.load(ordering: .relaxed)
        durations.add(to: &total.durations)
    }

    private static func add(_ amount: Int, to counter: borrowing Atomic<Int>) {
        counter.store(counter.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    private static func add(_ amount: UInt64, to counter: borrowing Atomic<UInt64>) {
        counter.store(counter.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}
