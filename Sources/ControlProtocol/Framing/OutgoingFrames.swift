internal import Glibc

/// The frames that wait to be written, and how far the first of them has got. Knows no socket.
struct OutgoingFrames {
    /// One frame with what travels with its first byte.
    struct Item {
        var bytes: [UInt8]
        var sent = 0
        var descriptors: [Descriptor]
    }

    private var items: [Item] = []
    private var first = 0
    private(set) var byteCount = 0

    var isEmpty: Bool { first == items.count }

    /// The frame to go on with.
    var current: Item? { isEmpty ? nil : items[first] }

    mutating func append(_ bytes: [UInt8], sent: Int, descriptors: [Descriptor]) {
        items.append(Item(bytes: bytes, sent: sent, descriptors: descriptors))
        byteCount += bytes.count - sent
    }

    /// Notes that `count` more bytes of the current frame are out.
    mutating func advance(by count: Int) {
        guard !isEmpty else { return }
        byteCount -= count
        items[first].sent += count
        // They left with the first byte.
        items[first].descriptors = []
        guard items[first].sent == items[first].bytes.count else { return }
        items[first].bytes = []
        first += 1
        if first == items.count {
            items.removeAll(keepingCapacity: items.capacity <= 64)
            first = 0
        } else if first > 64, first > items.count / 2 {
            items.removeFirst(first)
            first = 0
        }
    }

    mutating func removeAll() {
        items = []
        first = 0
        byteCount = 0
    }
}
