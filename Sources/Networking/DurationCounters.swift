import Synchronization

/// How many durations fell between which bounds, and what they come to.
public struct DurationCounts: Sendable, Equatable {
    /// Upper bounds, nanoseconds, ascending; what is longer than the last is counted behind it.
    public static let bounds: [UInt64] = [
        500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000,
        500_000_000, 1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
    ]

    public var counts = [UInt64](repeating: 0, count: bounds.count + 1)
    /// Nanoseconds.
    public var sum: UInt64 = 0

    public init() {}
}

/// The same while it is counted. One thread writes, any thread reads: plain loads and stores suffice.
struct DurationCounters: ~Copyable, @unchecked Sendable {
    // Sendable: the pointers are constant, the bounds are only read, and the counters are atomic.

    /// A copy in memory of our own: reading an array's element costs its bounds check and its reference count.
    private let bounds: UnsafeMutablePointer<UInt64>
    /// One for each bound, one for what is longer, and the sum.
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>
    private let boundCount = DurationCounts.bounds.count

    init() {
        bounds = .allocate(capacity: boundCount)
        bounds.initialize(from: DurationCounts.bounds, count: boundCount)
        cells = .allocate(capacity: boundCount + 2)
        for index in 0..<boundCount + 2 { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: boundCount + 2)
        cells.deallocate()
        bounds.deallocate()
    }

    func count(_ duration: UInt64) {
        // Most requests end at the first bound.
        var index = 0
        while index < boundCount, duration > bounds[index] { index += 1 }
        Self.add(1, to: cells + index)
        Self.add(duration, to: cells + boundCount + 1)
    }

    func add(to total: inout DurationCounts) {
        for index in 0...boundCount { total.counts[index] += cells[index].load(ordering: .relaxed) }
        total.sum &+= cells[boundCount + 1].load(ordering: .relaxed)
    }

    private static func add(_ amount: UInt64, to cell: UnsafeMutablePointer<Atomic<UInt64>>) {
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }
}
