internal import Glibc
internal import NIOCore
public import NIOPosix
import Synchronization

/// Ticks on every event loop once a second, so that a thread of its own can tell whether they all still turn.
public final class LoopPulse: Sendable {
    private final class Tick: Sendable {
        let last: Atomic<UInt64>
        let maximumLag = Atomic<UInt64>(0)

        init(_ now: UInt64) { last = Atomic(now) }
    }

    /// One second, nanoseconds.
    public static let interval: UInt64 = 1_000_000_000
    private let ticks: [Tick]

    /// Begins to tick; it goes on until the group is shut down.
    public init(group: MultiThreadedEventLoopGroup) {
        let now = Self.now()
        var ticks: [Tick] = []
        for eventLoop in group.makeIterator() {
            let tick = Tick(now)
            ticks.append(tick)
            eventLoop.scheduleRepeatedTask(
                initialDelay: .nanoseconds(Int64(Self.interval)), delay: .nanoseconds(Int64(Self.interval))
            ) { _ in
                Self.beat(tick)
            }
        }
        self.ticks = ticks
    }

    /// CLOCK_MONOTONIC, nanoseconds: when the loop ticked that has been silent longest. Any thread.
    public var oldestTick: UInt64 { ticks.map { $0.last.load(ordering: .acquiring) }.min() ?? Self.now() }

    /// The longest a loop was late since the last call, nanoseconds; a loop that is late now counts. Any thread.
    public func takeMaximumLag() -> UInt64 {
        let now = Self.now()
        return ticks.reduce(0) { longest, tick in
            let silent = now &- min(now, tick.last.load(ordering: .acquiring))
            let present = silent > Self.interval ? silent - Self.interval : 0
            return max(longest, tick.maximumLag.exchange(0, ordering: .acquiringAndReleasing), present)
        }
    }

    private static func beat(_ tick: Tick) {
        let now = now()
        let due = tick.last.load(ordering: .relaxed) + interval
        tick.maximumLag.max(now > due ? now - due : 0, ordering: .acquiringAndReleasing)
        tick.last.store(now, ordering: .releasing)
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
