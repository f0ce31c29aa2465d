internal import MusterABI

extension muster_string {
    /// The text, or nil where the pointer is NULL with a length, the length is beyond `limit`, or the bytes are not UTF-8.
    func text(limit: Int) -> String? {
        guard length != 0 else { return "" }
        // A size_t beyond Int.max arrives negative.
        guard let data, (1...limit).contains(length) else { return nil }
        let bytes = UnsafeRawBufferPointer(start: data, count: length)
        return String(validating: bytes, as: UTF8.self)
    }

    /// The text for a log: cut at `limit` bytes, what is not UTF-8 repaired.
    func repairedText(limit: Int) -> String {
        guard length > 0, let data else { return "" }
        let bytes = UnsafeRawBufferPointer(start: data, count: min(length, limit))
        let text = String(decoding: bytes, as: UTF8.self)
        return length > limit ? text + "…" : text
    }
}

extension String {
    /// Line breaks and other control characters written as escapes, so that nobody can forge a line of the log.
    var escapingControls: String {
        let needsNone = utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        guard !needsNone else { return self }
        var escaped = ""
        for scalar in unicodeScalars {
            switch scalar.value {
            case 0x0A: escaped += "\\n"
            case 0x0D: escaped += "\\r"
            case 0x09: escaped += "\\t"
            case 0..<0x20, 0x7F: escaped += "\\u{\(String(scalar.value, radix: 16))}"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
