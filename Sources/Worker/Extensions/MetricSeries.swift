internal import ControlProtocol
internal import Synchronization

/// The numbers of one series: many threads write, without a lock, and the reporting thread reads.
final class MetricSeries: @unchecked Sendable {
    // Safe to share: all but the cells is constant, and those are atomic.

    let number: UInt32
    let metric: UInt32
    let kind: MetricDefinition.Kind
    let labels: [String]
    private let bounds: [Double]
    /// As `MetricDefinition.numberCount` has it: the value or sum as a double's bits, then counts.
    private let cells: UnsafeMutablePointer<Atomic<UInt64>>
    private let count: Int

    init(number: UInt32, metric: UInt32, definition: MetricDefinition, labels: [String]) {
        self.number = number
        self.metric = metric
        self.labels = labels
        kind = definition.kind
        bounds = definition.bounds
        count = definition.numberCount
        cells = .allocate(capacity: count)
        for index in 0..<count { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: count)
        cells.deallocate()
    }

    /// False where that is not for this kind of metric, or not for these numbers.
    func add(_ amount: Double) -> Bool {
        guard kind != .histogram, amount.isFinite, kind == .gauge || amount >= 0 else { return false }
        addToFirst(amount)
        return true
    }

    func set(_ value: Double) -> Bool {
        guard kind == .gauge, value.isFinite else { return false }
        cells.pointee.store(value.bitPattern, ordering: .relaxed)
        return true
    }

    func observe(_ value: Double) -> Bool {
        guard kind == .histogram, value.isFinite else { return false }
        // The counts stand behind the sum.
        let place = 1 + (bounds.firstIndex { value <= $0 } ?? bounds.count)
        cells[place].add(1, ordering: .relaxed)
        addToFirst(value)
        return true
    }

    private func addToFirst(_ amount: Double) {
        var former = cells.pointee.load(ordering: .relaxed)
        while true {
            let sum = Double(bitPattern: former) + amount
            // What no double holds stays at the greatest one: infinity could not be reported.
            let next = sum.isFinite ? sum : sum < 0 ? -Double.greatestFiniteMagnitude : .greatestFiniteMagnitude
            let (isDone, present) = cells.pointee.weakCompareExchange(
                expected: former, desired: next.bitPattern, ordering: .relaxed)
            if isDone { return }
            former = present
        }
    }

    /// As they are now. Those of a histogram are read one after the other, while others may count.
    var numbers: [Double] {
        (0..<count).map { index in
            let bits = cells[index].load(ordering: .relaxed)
            return index == 0 ? Double(bitPattern: bits) : Double(bits)
        }
    }
}
