extension JSON {
    /// OLPC canonical JSON: the bytes that are signed, and that a key's number is the digest of (TUF section 4.2.1).
    ///
    /// No white space, keys ordered by their Unicode scalars, only `"` and `\` escaped: with a control character in a text
    /// it is not JSON any more, and is only ever hashed.
    public var canonical: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes) { text, bytes in
            for byte in text.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
                bytes.append(byte)
            }
        }
        return bytes
    }

    /// The same order and no white space, with control characters escaped: what any JSON parser reads.
    public var text: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes) { text, bytes in
            for byte in text.utf8 {
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
                case 0..<0x20: bytes += Array("\\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))".utf8)
                default: bytes.append(byte)
                }
            }
        }
        return bytes
    }

    /// Recursion goes no deeper than the parser lets values be, or than code nests them.
    private func write(to bytes: inout [UInt8], _ escape: (String, inout [UInt8]) -> Void) {
        func quote(_ text: String) {
            bytes.append(UInt8(ascii: "\""))
            escape(text, &bytes)
            bytes.append(UInt8(ascii: "\""))
        }
        switch self {
        case .null: bytes += Array("null".utf8)
        case .bool(let flag): bytes += Array((flag ? "true" : "false").utf8)
        case .integer(let number): bytes += Array(String(number).utf8)
        case .string(let text): quote(text)
        case .array(let items):
            bytes.append(UInt8(ascii: "["))
            for (index, item) in items.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                item.write(to: &bytes, escape)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let object):
            bytes.append(UInt8(ascii: "{"))
            // The order of scalars is that of their UTF-8; `<` of String is another.
            let members = object.members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                quote(member.key)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(to: &bytes, escape)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}
