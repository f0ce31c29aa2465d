/// A point of a text: line and column from 1, the column in Unicode scalars.
struct SourcePosition: Sendable, Hashable, Comparable {
    var line: Int
    var column: Int

    static func < (left: Self, right: Self) -> Bool { (left.line, left.column) < (right.line, right.column) }
}

/// A stretch of a text, `end` excluded.
struct SourceSpan: Sendable, Hashable {
    var start: SourcePosition
    var end: SourcePosition

    init(_ start: SourcePosition, _ end: SourcePosition) {
        self.start = start
        self.end = max(start, end)
    }

    static let beginning = SourceSpan(SourcePosition(line: 1, column: 1), SourcePosition(line: 1, column: 1))
}

/// The text of a configuration file, kept so that diagnostics can show its lines. Immutable, so any thread may ask.
final class SourceText: Sendable {
    /// As the operator named it.
    let path: String
    /// Without a byte order mark, which has no column.
    let bytes: [UInt8]
    /// Where each line begins. Lines end where libyaml ends them, so that its line numbers fit: LF, CR, CRLF, U+0085,
    /// U+2028 and U+2029.
    private let lineStarts: [Int]

    init(path: String, bytes: [UInt8]) {
        let bytes = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes
        self.path = path
        self.bytes = bytes
        var starts = [0]
        var index = 0
        while index < bytes.count {
            let length = Self.lineBreakLength(in: bytes, at: index)
            index += max(1, length)
            if length > 0 { starts.append(index) }
        }
        self.lineStarts = starts
    }

    /// How many bytes the line break at `index` has; 0: there is none.
    private static func lineBreakLength(in bytes: [UInt8], at index: Int) -> Int {
        func byte(_ offset: Int) -> UInt8 { index + offset < bytes.count ? bytes[index + offset] : 0 }
        switch bytes[index] {
        case 0x0A: return 1
        case 0x0D: return byte(1) == 0x0A ? 2 : 1
        case 0xC2: return byte(1) == 0x85 ? 2 : 0
        case 0xE2: return byte(1) == 0x80 && (byte(2) == 0xA8 || byte(2) == 0xA9) ? 3 : 0
        default: return 0
        }
    }

    /// The bytes of a line without its line break; empty beyond the end.
    func lineBytes(_ number: Int) -> ArraySlice<UInt8> {
        guard number >= 1, number <= lineStarts.count else { return [] }
        let start = lineStarts[number - 1]
        var end = number < lineStarts.count ? lineStarts[number] : bytes.count
        for length in stride(from: 3, through: 1, by: -1) where end - length >= start {
            if Self.lineBreakLength(in: bytes, at: end - length) == length {
                end -= length
                break
            }
        }
        return bytes[start..<end]
    }

    /// The text of a line without its line break; bytes that are not UTF-8 become U+FFFD.
    var lineCount: Int { lineStarts.count }

    func line(_ number: Int) -> String { String(decoding: lineBytes(number), as: UTF8.self) }

    /// The point at a byte offset.
    func position(atByte offset: Int) -> SourcePosition {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        let before = bytes[lineStarts[low]..<max(lineStarts[low], min(offset, bytes.count))]
        // A scalar has one byte that is not a continuation byte.
        return SourcePosition(line: low + 1, column: before.count(where: { $0 & 0xC0 != 0x80 }) + 1)
    }

    func location(_ position: SourcePosition) -> SourceLocation {
        SourceLocation(file: path, line: position.line, column: position.column)
    }
}

extension SourceText {
    /// The first thing that keeps the bytes from being YAML's kind of text, which libyaml could only name by an offset.
    func encodingProblem() -> (message: String, span: SourceSpan)? {
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            return ("the file is UTF-16; save it as UTF-8", .beginning)
        }
        var index = 0
        while index < bytes.count {
            let first = bytes[index]
            // The common case, printable ASCII and line breaks, without a decoder.
            if (first >= 0x20 && first < 0x7F) || first == 0x0A || first == 0x0D || first == 0x09 {
                index += 1
                continue
            }
            guard let (value, length) = decodeScalar(at: index) else {
                return (
                    "the byte \(hexadecimal(UInt32(first), digits: 2)) is not UTF-8; save the file as UTF-8",
                    span(atByte: index)
                )
            }
            if !Self.isAllowed(value) {
                let name =
                    value == 0 ? "a NUL byte" : "the control character U+\(hexadecimal(value, digits: 4, prefix: ""))"
                return ("\(name) is not allowed in YAML; remove it", span(atByte: index))
            }
            index += length
        }
        return nil
    }

    private func span(atByte offset: Int) -> SourceSpan {
        let start = position(atByte: offset)
        return SourceSpan(start, SourcePosition(line: start.line, column: start.column + 1))
    }

    /// The scalar at `index` and its length in bytes; nil: not UTF-8 (RFC 3629 section 4).
    private func decodeScalar(at index: Int) -> (UInt32, Int)? {
        var decoder = UTF8()
        var rest = bytes[index..<min(index + 4, bytes.count)].makeIterator()
        guard case .scalarValue(let scalar) = decoder.decode(&rest) else { return nil }
        return (scalar.value, UTF8.width(scalar))
    }

    /// What YAML calls printable (YAML 1.2, section 5.1).
    private static func isAllowed(_ value: UInt32) -> Bool {
        switch value {
        case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xD7FF, 0xE000...0xFEFE, 0xFF00...0xFFFD, 0x10000...0x10FFFF:
            true
        default: false
        }
    }
}

/// `0x1B` for 27 and two digits.
func hexadecimal(_ value: UInt32, digits: Int, prefix: String = "0x") -> String {
    let text = String(value, radix: 16, uppercase: true)
    return prefix + String(repeating: "0", count: max(0, digits - text.count)) + text
}
