/// Makes lines of a worker's output as it comes.
///
/// A line longer than the limit is cut there, and its rest is left out. Bytes that are not UTF-8 become U+FFFD.
struct LineSplitter {
    static let limit = 8192

    private var partial: [UInt8] = []
    /// The rest of a line that was cut.
    private var isSkipping = false

    /// The lines that `bytes` complete.
    mutating func feed(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if !isSkipping { lines.append(take()) }
                isSkipping = false
            } else if !isSkipping {
                partial.append(byte)
                if partial.count == Self.limit {
                    lines.append(take() + "…")
                    isSkipping = true
                }
            }
        }
        return lines
    }

    /// The last line, which has no line break.
    mutating func finish() -> String? {
        isSkipping = false
        return partial.isEmpty ? nil : take()
    }

    private mutating func take() -> String {
        defer { partial.removeAll(keepingCapacity: true) }
        if partial.last == UInt8(ascii: "\r") { partial.removeLast() }
        return String(decoding: partial, as: UTF8.self)
    }
}
