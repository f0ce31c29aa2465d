/// Values by hash, at most so many descriptors and bytes of them: what was not asked for the longest goes first.
///
/// Two keys of one hash push each other out; the caller compares the key itself.
struct LeastRecentlyUsed<Value: Sendable>: Sendable {
    /// What a value takes, and what there is.
    struct Cost: Equatable, Sendable {
        var files: Int
        var bytes: Int
    }

    private struct Slot: Sendable {
        var hash: Int
        var value: Value?
        var cost: Cost
        /// Towards what was used later; nil: this is the latest.
        var newer: Int?
        var older: Int?
    }

    let limit: Cost
    private(set) var used = Cost(files: 0, bytes: 0)
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var index: [Int: Int] = [:]
    private var newest: Int?
    private var oldest: Int?

    init(limit: Cost) { self.limit = limit }

    var count: Int { index.count }

    /// The value of `hash`, which is now the latest used.
    mutating func find(_ hash: Int) -> Value? {
        guard let place = index[hash] else { return nil }
        if place != newest {
            unlink(place)
            link(place)
        }
        return slots[place].value
    }

    /// Keeps a value, and answers those that had to go for it: to be freed by the caller when it holds no lock. A value
    /// that is more than the whole limit is among them.
    mutating func insert(_ value: Value, _ hash: Int, cost: Cost) -> [Value] {
        var gone: [Value] = []
        if let former = remove(hash) { gone.append(former) }
        guard cost.files <= limit.files, cost.bytes <= limit.bytes else { return gone + [value] }
        while used.files + cost.files > limit.files || used.bytes + cost.bytes > limit.bytes, let oldest {
            if let value = removeSlot(oldest) { gone.append(value) }
        }
        let slot = Slot(hash: hash, value: value, cost: cost, newer: nil, older: nil)
        let place: Int
        if let unused = free.popLast() {
            place = unused
            slots[place] = slot
        } else {
            place = slots.count
            slots.append(slot)
        }
        index[hash] = place
        used.files += cost.files
        used.bytes += cost.bytes
        link(place)
        return gone
    }

    mutating func remove(_ hash: Int) -> Value? {
        guard let place = index[hash] else { return nil }
        return removeSlot(place)
    }

    /// Lets the older half of those go that hold a descriptor, and answers them.
    mutating func removeOlderFiles() -> [Value] {
        var gone: [Value] = []
        let wanted = (used.files + 1) / 2
        var next = oldest
        while let place = next, gone.count < wanted {
            next = slots[place].newer
            if slots[place].cost.files > 0, let value = removeSlot(place) { gone.append(value) }
        }
        return gone
    }

    private mutating func removeSlot(_ place: Int) -> Value? {
        unlink(place)
        index[slots[place].hash] = nil
        used.files -= slots[place].cost.files
        used.bytes -= slots[place].cost.bytes
        free.append(place)
        return slots[place].value.take()
    }

    private mutating func unlink(_ place: Int) {
        let (newer, older) = (slots[place].newer, slots[place].older)
        if let newer { slots[newer].older = older } else { newest = older }
        if let older { slots[older].newer = newer } else { oldest = newer }
        slots[place].newer = nil
        slots[place].older = nil
    }

    private mutating func link(_ place: Int) {
        slots[place].older = newest
        if let newest { slots[newest].newer = place } else { oldest = place }
        newest = place
    }
}
