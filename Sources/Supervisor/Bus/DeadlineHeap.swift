/// Numbers by when they are due: a binary heap. What is not wanted any more stays until it comes up.
struct DeadlineHeap: Sendable {
    private struct Entry {
        var deadline: Instant
        var number: UInt64
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }

    mutating func add(_ number: UInt64, at deadline: Instant) {
        entries.append(Entry(deadline: deadline, number: number))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].deadline < entries[parent].deadline else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// When the first that is still `wanted` is due; forgets those before it that are not.
    mutating func first(where wanted: (UInt64) -> Bool) -> Instant? {
        while let first = entries.first {
            if wanted(first.number) { return first.deadline }
            _ = removeFirst()
        }
        return nil
    }

    /// Takes the first that is due at `now`.
    mutating func takeDue(at now: Instant) -> UInt64? {
        guard let first = entries.first, first.deadline <= now else { return nil }
        return removeFirst()
    }

    /// Keeps the heap within a multiple of the `count` that are wanted.
    mutating func compact(to count: Int, where wanted: (UInt64) -> Bool) {
        guard entries.count > 2 * count + 64 else { return }
        let kept = entries.filter { wanted($0.number) }
        entries = []
        for entry in kept { add(entry.number, at: entry.deadline) }
    }

    private mutating func removeFirst() -> UInt64? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        guard !entries.isEmpty else { return first.number }
        entries[0] = last
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < entries.count else { return first.number }
            let right = left + 1
            let child = right < entries.count && entries[right].deadline < entries[left].deadline ? right : left
            guard entries[child].deadline < entries[parent].deadline else { return first.number }
            entries.swapAt(child, parent)
            parent = child
        }
    }
}
