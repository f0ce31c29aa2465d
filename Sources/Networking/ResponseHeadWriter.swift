internal import NIOCore

/// Where the header fields of an answer come from.
enum FieldSource {
    /// From the handler, checked with `FieldRules.size(of:)`.
    case fields(UnsafeBufferPointer<HTTPField>)
    /// Checked before and already written as lines.
    case lines(UnsafeRawBufferPointer)
}

/// How the client finds the end of an answer's body.
enum ResponseFraming {
    case length(UInt64)
    case chunked
    /// By the end of the connection, or there is no body and no word of it (204, 304).
    case none
}

/// How the client learns what becomes of the connection.
enum ConnectionField {
    case close, keepAlive, absent
}

/// Writes answers' heads: bytes straight into memory that was made large enough before.
struct ResponseHeadWriter {
    /// More than status line, Date, Connection and framing ever take.
    static let fixedSize = 256

    private let start: UnsafeMutablePointer<UInt8>
    private var next: UnsafeMutablePointer<UInt8>

    init(_ memory: UnsafeMutableRawPointer) {
        start = memory.assumingMemoryBound(to: UInt8.self)
        next = start
    }

    var count: Int { next - start }

    mutating func put(_ text: StaticString) {
        next.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
        next += text.utf8CodeUnitCount
    }

    mutating func put(_ bytes: UnsafePointer<UInt8>?, _ count: Int) {
        guard let bytes, count > 0 else { return }
        next.update(from: bytes, count: count)
        next += count
    }

    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        put(bytes.baseAddress?.assumingMemoryBound(to: UInt8.self), bytes.count)
    }

    mutating func put(_ byte: UInt8) {
        next.pointee = byte
        next += 1
    }

    mutating func put(_ number: UInt64) {
        var digits = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        rest = number
        for place in stride(from: digits - 1, through: 0, by: -1) {
            next[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        next += digits
    }

    mutating func put(_ field: HTTPField) {
        put(field.name, field.nameLength)
        put(": ")
        put(field.value, field.valueLength)
        put("\r\n")
    }

    /// The whole head, up to and with the empty line.
    mutating func putHead(
        status: Int, date: UnsafePointer<UInt8>, fields: FieldSource, framing: ResponseFraming,
        connection: ConnectionField
    ) {
        if status == 200 {
            put("HTTP/1.1 200 OK\r\nDate: ")
        } else {
            put("HTTP/1.1 ")
            put(UInt64(truncatingIfNeeded: status))
            put(UInt8(ascii: " "))
            put(HTTPReason.phrase(status))
            put("\r\nDate: ")
        }
        put(date, HTTPDate.length)
        put("\r\n")
        switch fields {
        case .fields(let list): for field in list { put(field) }
        case .lines(let lines): put(lines)
        }
        switch framing {
        case .length(let length):
            put("Content-Length: ")
            put(length)
            put("\r\n")
        case .chunked: put("Transfer-Encoding: chunked\r\n")
        case .none: break
        }
        switch connection {
        case .close: put("Connection: close\r\n")
        case .keepAlive: put("Connection: keep-alive\r\n")
        case .absent: break
        }
        put("\r\n")
    }
}

/// Which header fields a handler may send.
enum FieldRules {
    /// All the fields of one answer.
    static let maximumSize = 256 << 10

    /// The bytes the fields take as lines; nil where one is not allowed or they are too many.
    static func size(of fields: UnsafeBufferPointer<HTTPField>) -> Int? {
        var total = 0
        for field in fields {
            guard field.nameLength > 0, field.nameLength <= maximumSize, field.valueLength >= 0,
                field.valueLength <= maximumSize, field.name != nil, field.value != nil || field.valueLength == 0,
                isName(field.nameBytes), isValue(field.valueBytes), !isReserved(field.nameBytes)
            else { return nil }
            total += field.nameLength + field.valueLength + 4
            guard total <= maximumSize else { return nil }
        }
        return total
    }

    /// token (RFC 9110 section 5.6.2)
    private static func isName(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        // One bit for each of the 128 ASCII characters.
        let low: UInt64 = 0x03ff_6cfa_0000_0000
        let high: UInt64 = 0x57ff_ffff_c7ff_fffe
        for byte in name {
            guard byte < 128 else { return false }
            let word = byte < 64 ? low : high
            guard word >> UInt64(byte & 63) & 1 == 1 else { return false }
        }
        return true
    }

    /// field-content and the blanks within it (RFC 9110 section 5.5)
    private static func isValue(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        for byte in value where (byte < 0x20 && byte != 0x09) || byte == 0x7f { return false }
        return true
    }

    /// The fields that the server writes itself.
    private static func isReserved(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
        switch name.count {
        case 4: equalsIgnoringCase(name, "date")
        case 10: equalsIgnoringCase(name, "connection")
        case 14: equalsIgnoringCase(name, "content-length")
        case 17: equalsIgnoringCase(name, "transfer-encoding")
        default: false
        }
    }
}
