/// Names of files by SHA-256 and size: 48 bytes a signature and its name, in two blocks of memory however many there are.
///
/// The entries are in the order of their digests. Where those with the same first two bytes begin is in `starts`, so that
/// a search looks at a few neighbours, and building sorts many short runs instead of one long one.
struct HashTable: Sendable {
    static let anySize: Int64 = -1

    struct Key: Comparable, Sendable {
        var a, b, c, d: UInt64

        /// 32 bytes.
        init?(_ digest: [UInt8]) {
            guard digest.count == 32 else { return nil }
            func word(_ start: Int) -> UInt64 { digest[start..<start + 8].reduce(0) { $0 << 8 | UInt64($1) } }
            (a, b, c, d) = (word(0), word(8), word(16), word(24))
        }

        init(_ a: UInt64, _ b: UInt64, _ c: UInt64, _ d: UInt64) { (self.a, self.b, self.c, self.d) = (a, b, c, d) }

        var bucket: Int { Int(truncatingIfNeeded: a >> 48) }

        static func < (left: Self, right: Self) -> Bool {
            if left.a != right.a { return left.a < right.a }
            if left.b != right.b { return left.b < right.b }
            if left.c != right.c { return left.c < right.c }
            return left.d < right.d
        }
    }

    struct Entry: Sendable {
        var key: Key
        var size: Int64
        /// Where the name is in `names`.
        var name: UInt32
        var nameLength: UInt16
    }

    private let entries: [Entry]
    private let names: [UInt8]
    private let starts: [UInt32]

    var count: Int { entries.count }

    /// At most `Maker.countLimit` entries.
    private init(_ unsorted: [Entry], names: [UInt8]) {
        var starts = [UInt32](repeating: 0, count: 65537)
        for entry in unsorted { starts[entry.key.bucket + 1] += 1 }
        for index in 1..<starts.count { starts[index] += starts[index - 1] }
        var next = starts
        entries = [Entry](unsafeUninitializedCapacity: unsorted.count) { entries, count in
            for entry in unsorted {
                // Each place is written once: the places of a bucket are as many as its entries.
                (entries.baseAddress.map { $0 + Int(next[entry.key.bucket]) })?.initialize(to: entry)
                next[entry.key.bucket] += 1
            }
            count = unsorted.count
            for bucket in 0..<65536 where starts[bucket + 1] - starts[bucket] > 1 {
                // Those of the same digest stay in any order: which of several names wins does not matter.
                entries[Int(starts[bucket])..<Int(starts[bucket + 1])].sort { $0.key < $1.key }
            }
        }
        self.names = names
        self.starts = starts
    }

    /// nil where no signature has this digest and this size, or any size.
    func name(of digest: [UInt8], size: Int64) -> String? {
        guard let key = Key(digest) else { return nil }
        var (low, high) = (Int(starts[key.bucket]), Int(starts[key.bucket + 1]))
        let end = high
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].key < key { low = middle + 1 } else { high = middle }
        }
        while low < end, entries[low].key == key {
            let entry = entries[low]
            if entry.size == size || entry.size == Self.anySize {
                let start = Int(entry.name)
                return String(decoding: names[start..<start + Int(entry.nameLength)], as: UTF8.self)
            }
            low += 1
        }
        return nil
    }

    /// Collects the entries of a table.
    struct Maker {
        /// What the offsets hold, and what fits a workstation's memory.
        static let countLimit = 20_000_000
        static let nameBytesLimit = 1 << 30

        private var entries: [Entry] = []
        private var names: [UInt8] = []

        /// False: there is no more room.
        mutating func add(_ key: Key, size: Int64, name: some Collection<UInt8>) -> Bool {
            guard entries.count < Self.countLimit, names.count + name.count <= Self.nameBytesLimit,
                let length = UInt16(exactly: name.count)
            else { return false }
            entries.append(Entry(key: key, size: size, name: UInt32(names.count), nameLength: length))
            names.append(contentsOf: name)
            return true
        }

        consuming func table() -> HashTable { HashTable(entries, names: names) }
    }
}
