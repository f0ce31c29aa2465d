/// Which name was meant by one that is unknown.
enum NearestName {
    /// The closest of `names`, the first of equals; nil where none is close enough to be what was meant.
    ///
    /// Upper and lower case, `-` and `_` count as the same. Close is a third of the letters, at most three, counted as
    /// insertions, deletions, replacements and swaps of neighbours; so is a name's beginning.
    static func of(_ name: String, among names: [String]) -> String? {
        guard !name.isEmpty, name.utf8.count <= 64 else { return nil }
        let wanted = folded(name)
        let allowed = min(3, max(1, wanted.count / 3))
        var best: (name: String, distance: Int)?
        // `warn` for `warning`: the beginning of one name alone.
        let longer = names.filter { wanted.count >= 3 && folded($0).starts(with: wanted) }
        if longer.count == 1 { return longer[0] }
        for candidate in names {
            let distance = distance(wanted, folded(candidate))
            if distance <= allowed, distance < (best?.distance ?? .max) { best = (candidate, distance) }
        }
        return best?.name
    }

    /// The optimal string alignment distance.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in 1...left.count {
            var current = [row]
            current.reserveCapacity(right.count + 1)
            for column in 1...right.count {
                let replaced = previous[column - 1] + (left[row - 1] == right[column - 1] ? 0 : 1)
                var least = min(previous[column] + 1, current[column - 1] + 1, replaced)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    least = min(least, beforePrevious[column - 2] + 1)
                }
                current.append(least)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }

    static func folded(_ name: String) -> [UInt8] {
        name.utf8.map { byte in
            if byte == UInt8(ascii: "-") { return UInt8(ascii: "_") }
            return byte.isLetter ? byte | 0x20 : byte
        }
    }
}
