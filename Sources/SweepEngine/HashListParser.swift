/// Reads ClamAV's format of SHA-256 signatures (`.hsb`): a line each, `digest:size:name`, and perhaps further fields that
/// say which versions of ClamAV it is for.
///
///     275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:68:Eicar-Test-Signature
///     …:*:Any.Size:73
///
/// Blank lines and those that begin with `#` are skipped. One wrong line fails the whole, as with ClamAV: definitions of
/// which a part is missing would pass for whole ones.
struct HashListParser {
    /// A line's own; the caller knows the file.
    struct Failure: Error, Hashable, Sendable {
        /// From 1.
        var line: Int
        /// Bytes, from 1.
        var column: Int
        var reason: String
    }

    static let lineLimit = 4096
    static let nameLimit = 256

    private var maker = HashTable.Maker()
    private var rest: [UInt8] = []
    private var line = 0

    /// The lines that follow are another file's.
    mutating func beginFile() {
        rest.removeAll(keepingCapacity: true)
        line = 0
    }

    /// Takes the next piece of the text, cut anywhere.
    mutating func take(_ piece: UnsafeBufferPointer<UInt8>) throws(Failure) {
        var start = piece.startIndex
        while start < piece.endIndex {
            guard let end = piece[start...].firstIndex(of: 10) else { break }
            if rest.isEmpty {
                try take(line: piece[start..<end])
            } else {
                rest.append(contentsOf: piece[start..<end])
                try takeRest()
            }
            start = end + 1
        }
        rest.append(contentsOf: piece[start...])
        guard rest.count <= Self.lineLimit else { throw tooLong(line + 1) }
    }

    /// The text has ended.
    mutating func end() throws(Failure) {
        if !rest.isEmpty { try takeRest() }
    }

    consuming func table() -> HashTable { maker.table() }

    private mutating func takeRest() throws(Failure) {
        let whole = rest
        rest.removeAll(keepingCapacity: true)
        let failure = whole.withUnsafeBufferPointer { bytes -> Failure? in
            do throws(Failure) {
                try take(line: bytes[...])
                return nil
            } catch {
                return error
            }
        }
        if let failure { throw failure }
    }

    private mutating func take(line bytes: Slice<UnsafeBufferPointer<UInt8>>) throws(Failure) {
        line += 1
        var text = bytes
        if text.last == 13 { text = text.dropLast() }
        guard text.count <= Self.lineLimit else { throw tooLong(line) }
        guard let first = text.first, first != UInt8(ascii: "#") else { return }
        let begin = text.startIndex
        func failure(at index: Int, _ reason: String) -> Failure {
            Failure(line: line, column: index - begin + 1, reason: reason)
        }

        guard let sizeMark = text.firstIndex(of: UInt8(ascii: ":")) else {
            throw failure(at: text.endIndex, "a ':' and the size are missing")
        }
        let key = try key(text[..<sizeMark], failure)
        let sizeText = text[(sizeMark + 1)...]
        guard let nameMark = sizeText.firstIndex(of: UInt8(ascii: ":")) else {
            throw failure(at: text.endIndex, "a ':' and the name are missing")
        }
        guard let size = Self.size(sizeText[..<nameMark]) else {
            throw failure(at: sizeMark + 1, "the size is neither a number of bytes nor '*'")
        }
        let nameText = text[(nameMark + 1)...]
        let nameEnd = nameText.firstIndex(of: UInt8(ascii: ":")) ?? text.endIndex
        let name = nameText[..<nameEnd]
        guard !name.isEmpty else { throw failure(at: nameMark + 1, "the name is empty") }
        guard name.count <= Self.nameLimit else {
            throw failure(at: nameMark + 1, "the name is longer than \(Self.nameLimit) bytes")
        }
        if let wrong = name.firstIndex(where: { !(0x20...0x7E).contains($0) }) {
            throw failure(at: wrong, "a name has printable ASCII characters only")
        }
        if let wrong = text[nameEnd...].firstIndex(where: { $0 != UInt8(ascii: ":") && !(0x30...0x39).contains($0) }) {
            throw failure(at: wrong, "only numbers of versions follow the name")
        }
        guard maker.add(key, size: size, name: name) else {
            throw failure(
                at: begin, "there are more signatures than \(HashTable.Maker.countLimit), or their names are too long")
        }
    }

    private func tooLong(_ line: Int) -> Failure {
        Failure(line: line, column: Self.lineLimit + 1, reason: "the line is longer than \(Self.lineLimit) bytes")
    }

    private func key(
        _ digits: Slice<UnsafeBufferPointer<UInt8>>, _ failure: (Int, String) -> Failure
    ) throws(Failure) -> HashTable.Key {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (offset, digit) in digits.enumerated() {
            guard let value = Self.value(of: digit) else {
                throw failure(digits.startIndex + offset, "the digest has a character that is no hexadecimal digit")
            }
            switch offset >> 4 {
            case 0: words.0 = words.0 << 4 | value
            case 1: words.1 = words.1 << 4 | value
            case 2: words.2 = words.2 << 4 | value
            default: words.3 = words.3 << 4 | value
            }
        }
        switch digits.count {
        case 64: return HashTable.Key(words.0, words.1, words.2, words.3)
        case 40: throw failure(digits.startIndex, "this is a SHA-1 digest; only SHA-256 (64 digits) is supported")
        default: throw failure(digits.startIndex, "the digest has \(digits.count) digits; SHA-256 has 64")
        }
    }

    private static func value(of digit: UInt8) -> UInt64? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(digit) - 0x30
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(digit) - 0x57
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(digit) - 0x37
        default: nil
        }
    }

    private static func size(_ text: Slice<UnsafeBufferPointer<UInt8>>) -> Int64? {
        if text.count == 1, text.first == UInt8(ascii: "*") { return HashTable.anySize }
        // 18 digits always fit.
        guard (1...18).contains(text.count) else { return nil }
        var size: Int64 = 0
        for digit in text {
            guard (0x30...0x39).contains(digit) else { return nil }
            size = size * 10 + Int64(digit - 0x30)
        }
        return size
    }
}
