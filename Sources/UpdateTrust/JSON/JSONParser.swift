/// Why a text is not the JSON that metadata may be.
public struct JSONSyntaxError: Error, Hashable, Sendable, CustomStringConvertible {
    /// From 1; columns count bytes.
    public var line: Int
    public var column: Int
    public var reason: String

    public var description: String { "line \(line), column \(column): \(reason)" }
}

/// Reads one JSON text (RFC 8259), and refuses what The Update Framework's metadata cannot hold: fractions and exponents,
/// numbers beyond 64 bits, equal keys in one object, text that is not UTF-8 and halves of surrogate pairs.
struct JSONParser {
    /// Arrays and objects within one another. Metadata has 6.
    static let depthLimit = 64

    private let bytes: UnsafeBufferPointer<UInt8>
    private var position = 0
    private var depth = 0

    /// The value that `bytes` are, and nothing but white space around it.
    static func parse(_ bytes: [UInt8]) throws(JSONSyntaxError) -> JSON {
        // Not a closure with an untyped error: rethrown as it is.
        let result: Result<JSON, JSONSyntaxError> = bytes.withUnsafeBufferPointer { buffer in
            var parser = JSONParser(bytes: buffer)
            do throws(JSONSyntaxError) {
                return .success(try parser.text())
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    private mutating func text() throws(JSONSyntaxError) -> JSON {
        skipSpace()
        let value = try value()
        skipSpace()
        guard position == bytes.count else { throw error("there is something behind the value") }
        return value
    }

    private mutating func value() throws(JSONSyntaxError) -> JSON {
        switch peek() {
        case UInt8(ascii: "{"): return .object(try object())
        case UInt8(ascii: "["): return .array(try array())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case .some(UInt8(ascii: "-")), .some(UInt8(ascii: "0")...UInt8(ascii: "9")): return .integer(try integer())
        case nil: throw error("the text ends where a value should be")
        default: throw error("there is no value here")
        }
    }

    private mutating func object() throws(JSONSyntaxError) -> JSONObject {
        try enter()
        var members: [JSONObject.Member] = []
        var keys: Set<String> = []
        skipSpace()
        if take(UInt8(ascii: "}")) {
            depth -= 1
            return JSONObject()
        }
        repeat {
            skipSpace()
            guard peek() == UInt8(ascii: "\"") else { throw error("a key in quotes should be here") }
            let start = position
            let key = try string()
            guard keys.insert(key).inserted else { throw error("the key is there twice", at: start) }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error("a colon should be here") }
            skipSpace()
            members.append(.init(key, try value()))
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw error("a comma or } should be here") }
        depth -= 1
        return JSONObject(unique: members)
    }

    private mutating func array() throws(JSONSyntaxError) -> [JSON] {
        try enter()
        var items: [JSON] = []
        skipSpace()
        if take(UInt8(ascii: "]")) {
            depth -= 1
            return items
        }
        repeat {
            skipSpace()
            items.append(try value())
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw error("a comma or ] should be here") }
        depth -= 1
        return items
    }

    private mutating func enter() throws(JSONSyntaxError) {
        depth += 1
        guard depth <= Self.depthLimit else { throw error("arrays and objects are nested too deeply") }
        position += 1
    }

    private mutating func integer() throws(JSONSyntaxError) -> Int64 {
        let start = position
        let isNegative = take(UInt8(ascii: "-"))
        let digits = position
        var magnitude: UInt64 = 0
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) {
            let (tenfold, overflow) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carry) = tenfold.addingReportingOverflow(UInt64(byte - UInt8(ascii: "0")))
            guard !overflow, !carry else { throw error("the number is too large", at: start) }
            magnitude = sum
            position += 1
        }
        guard position > digits else { throw error("a digit should be here") }
        guard position == digits + 1 || bytes[digits] != UInt8(ascii: "0") else {
            throw error("a number does not begin with 0", at: start)
        }
        if let byte = peek(), byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e") {
            throw error("only integers are allowed", at: start)
        }
        // Negative zero would be another number in its canonical form.
        guard !isNegative || magnitude > 0 else { throw error("-0 is not allowed", at: start) }
        guard let value = isNegative ? Self.negative(magnitude) : Int64(exactly: magnitude) else {
            throw error("the number is too large", at: start)
        }
        return value
    }

    private static func negative(_ magnitude: UInt64) -> Int64? {
        magnitude <= UInt64(Int64.max) ? -Int64(magnitude) : magnitude == Int64.min.magnitude ? Int64.min : nil
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONSyntaxError) -> JSON {
        let length = word.utf8CodeUnitCount
        guard position + length <= bytes.count,
            bytes[position..<position + length].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: length))
        else { throw error("there is no value here") }
        position += length
        return value
    }

    // MARK: Text

    private mutating func string() throws(JSONSyntaxError) -> String {
        position += 1
        let start = position
        // Most have no escape, and are taken as they are.
        while position < bytes.count, bytes[position] != UInt8(ascii: "\""), bytes[position] != UInt8(ascii: "\\") {
            guard bytes[position] >= 0x20 else { throw error("a control character is within a text") }
            position += 1
        }
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\\") else {
            return try finish(bytes[start..<position], start)
        }
        var content = Array(bytes[start..<position])
        while position < bytes.count, bytes[position] != UInt8(ascii: "\"") {
            let byte = bytes[position]
            guard byte >= 0x20 else { throw error("a control character is within a text") }
            if byte == UInt8(ascii: "\\") {
                content += try escape()
            } else {
                content.append(byte)
                position += 1
            }
        }
        return try content.withUnsafeBufferPointer { buffer throws(JSONSyntaxError) in
            try finish(buffer[...], start)
        }
    }

    private mutating func finish(
        _ content: Slice<UnsafeBufferPointer<UInt8>>, _ start: Int
    ) throws(JSONSyntaxError) -> String {
        guard take(UInt8(ascii: "\"")) else { throw error("the text is not ended", at: start - 1) }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw error("the text is not UTF-8", at: start)
        }
        return text
    }

    private mutating func escape() throws(JSONSyntaxError) -> [UInt8] {
        let start = position
        position += 1
        guard let byte = peek() else { throw error("the text is not ended") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "u"):
            var code = UInt32(try hexadecimal())
            if (0xD800...0xDBFF).contains(code), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
                let low = UInt32(try hexadecimal())
                guard (0xDC00...0xDFFF).contains(low) else { throw error("half of a surrogate pair", at: start) }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair", at: start) }
            return Array(String(Character(scalar)).utf8)
        default: throw error("there is no such escape", at: start)
        }
    }

    private mutating func hexadecimal() throws(JSONSyntaxError) -> UInt16 {
        var value: UInt16 = 0
        for _ in 0..<4 {
            switch peek() {
            case .some(let byte) where (0x30...0x39).contains(byte): value = value << 4 | UInt16(byte - 0x30)
            case .some(let byte) where (0x61...0x66).contains(byte | 0x20):
                value = value << 4 | UInt16((byte | 0x20) - 0x57)
            default: throw error("four hexadecimal digits should be here")
            }
            position += 1
        }
        return value
    }

    // MARK: Bytes

    private func peek() -> UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    private func error(_ reason: String, at place: Int? = nil) -> JSONSyntaxError {
        let before = bytes[..<min(place ?? position, bytes.count)]
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        return JSONSyntaxError(
            line: before.count { $0 == 0x0A } + 1, column: before.count - lineStart + 1, reason: reason)
    }
}

extension JSON {
    /// Reads a text that may be anything. Throws `JSONSyntaxError`.
    public init(parsing bytes: [UInt8]) throws(JSONSyntaxError) { self = try JSONParser.parse(bytes) }
}
