import MusterABI

extension muster_string {
    /// The bytes; none where the pointer is NULL, whatever the length says.
    var bytes: UnsafeRawBufferPointer {
        guard let data else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: data, count: length)
    }

    /// A copy as text; nil where the bytes are not UTF-8.
    var validText: String? { String(validating: bytes, as: UTF8.self) }

    /// A copy as text; what is not UTF-8 is replaced.
    var repairedText: String { String(decoding: bytes, as: UTF8.self) }
}

/// Calls `body` with `text` as the ABI passes it; the pointer ends with the call.
func withABIText<Result>(_ text: String, _ body: (muster_string) throws -> Result) rethrows -> Result {
    var text = text
    return try text.withUTF8 { utf8 in
        try utf8.withMemoryRebound(to: CChar.self) { try body(muster_string(data: $0.baseAddress, length: $0.count)) }
    }
}

/// Pairs of texts in one block of memory, for the arrays of `muster_header` and `muster_field`.
///
/// `Pair` is one of those two leaf types, both of which are two `muster_string`s and own nothing.
final class TextPairs<Pair>: @unchecked Sendable {
    // Unchecked: the memory is written by init alone and freed by deinit alone; between them it is only read.
    let pairs: UnsafeBufferPointer<Pair>
    private let memory: UnsafeMutableRawPointer

    init(_ texts: [(String, String)], pair: (muster_string, muster_string) -> Pair) {
        let headSize = MemoryLayout<Pair>.stride * texts.count
        let textSize = texts.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count }
        memory = .allocate(byteCount: max(1, headSize + textSize), alignment: MemoryLayout<Pair>.alignment)
        let head = memory.bindMemory(to: Pair.self, capacity: texts.count)
        var next = memory + headSize
        func store(_ text: String) -> muster_string {
            let count = text.utf8.count
            let start = next.bindMemory(to: UInt8.self, capacity: count)
            _ = UnsafeMutableBufferPointer(start: start, count: count).initialize(from: text.utf8)
            next += count
            return muster_string(data: UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self), length: count)
        }
        for (index, text) in texts.enumerated() {
            (head + index).initialize(to: pair(store(text.0), store(text.1)))
        }
        pairs = UnsafeBufferPointer(start: texts.isEmpty ? nil : UnsafePointer(head), count: texts.count)
    }

    deinit { memory.deallocate() }
}
