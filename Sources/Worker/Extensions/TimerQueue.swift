/// Timers by the time they are due. Pure: the time is passed in, and so is the source of jitter.
///
/// A binary heap of (deadline, id), in which cancelled timers stay until they come up or are too many.
struct TimerQueue<Payload> {
    /// When a timer fires; durations in nanoseconds.
    struct Schedule {
        var delay: UInt64
        /// 0: once.
        var interval: UInt64
        var jitter: UInt64
    }

    /// A timer whose time has come.
    struct Due {
        var id: UInt64
        var payload: Payload
    }

    private struct Timer {
        var schedule: Schedule
        var payload: Payload
        /// Without jitter, so that jitter does not add up; nil before the queue was armed.
        var nominal: UInt64?
        var deadline: UInt64
    }

    private struct Entry {
        var deadline: UInt64
        var id: UInt64
    }

    let capacity: Int
    private let randomJitter: @Sendable (UInt64) -> UInt64
    private var timers: [UInt64: Timer] = [:]
    private var heap: [Entry] = []
    private var lastID: UInt64 = 0
    private(set) var isArmed = false

    /// - Parameter jitter: a random number from 0 to its argument, which is not 0.
    init(capacity: Int, jitter: @escaping @Sendable (UInt64) -> UInt64 = { UInt64.random(in: 0...$0) }) {
        self.capacity = capacity
        randomJitter = jitter
    }

    var count: Int { timers.count }

    /// Adds a timer; its time begins at `now`, or when the queue is armed. nil: there are `capacity` already.
    mutating func start(_ schedule: Schedule, _ payload: Payload, at now: UInt64) -> UInt64? {
        guard timers.count < capacity else { return nil }
        lastID += 1
        timers[lastID] = Timer(schedule: schedule, payload: payload, nominal: nil, deadline: .max)
        if isArmed { arm(lastID, at: now) }
        return lastID
    }

    /// Lets the time of every timer begin that was started before. Once.
    mutating func arm(at now: UInt64) {
        guard !isArmed else { return }
        isArmed = true
        for id in timers.keys.sorted() { arm(id, at: now) }
    }

    /// False where there is no such timer any more.
    mutating func cancel(_ id: UInt64) -> Bool {
        guard timers.removeValue(forKey: id) != nil else { return false }
        dropCancelledEntries()
        return true
    }

    mutating func removeAll() {
        timers = [:]
        heap = []
    }

    /// When the next timer is due.
    var nextDeadline: UInt64? {
        mutating get {
            while let first = heap.first {
                if timers[first.id]?.deadline == first.deadline { return first.deadline }
                _ = popFirst()
            }
            return nil
        }
    }

    /// Takes the timer that is due longest. A repeating one is set again: times missed since then have become this one.
    mutating func takeDue(at now: UInt64) -> Due? {
        guard let deadline = nextDeadline, deadline <= now, let entry = popFirst(), var timer = timers[entry.id] else {
            return nil
        }
        let interval = timer.schedule.interval
        if interval == 0 {
            timers[entry.id] = nil
        } else {
            let nominal = timer.nominal ?? now
            let missed = now > nominal ? (now - nominal) / interval : 0
            let steps = MonotonicTime.after(missed, 1).multipliedReportingOverflow(by: interval)
            timer.nominal = steps.overflow ? .max : MonotonicTime.after(nominal, steps.partialValue)
            set(entry.id, timer)
        }
        return Due(id: entry.id, payload: timer.payload)
    }

    private mutating func arm(_ id: UInt64, at now: UInt64) {
        guard var timer = timers[id] else { return }
        timer.nominal = MonotonicTime.after(now, timer.schedule.delay)
        set(id, timer)
    }

    /// Puts a timer with a new nominal time into the heap.
    private mutating func set(_ id: UInt64, _ timer: Timer) {
        var timer = timer
        let jitter = timer.schedule.jitter == 0 ? 0 : randomJitter(timer.schedule.jitter)
        timer.deadline = MonotonicTime.after(timer.nominal ?? .max, jitter)
        timers[id] = timer
        push(Entry(deadline: timer.deadline, id: id))
    }

    /// Keeps the heap within a multiple of the timers, whatever is started and cancelled.
    private mutating func dropCancelledEntries() {
        guard heap.count > 2 * timers.count + 64 else { return }
        let alive = heap.filter { timers[$0.id]?.deadline == $0.deadline }
        heap = []
        for entry in alive { push(entry) }
    }

    private mutating func push(_ entry: Entry) {
        heap.append(entry)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].deadline < heap[parent].deadline else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func popFirst() -> Entry? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return first }
        heap[0] = last
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { return first }
            let right = left + 1
            let child = right < heap.count && heap[right].deadline < heap[left].deadline ? right : left
            guard heap[child].deadline < heap[parent].deadline else { return first }
            heap.swapAt(child, parent)
            parent = child
        }
    }
}
