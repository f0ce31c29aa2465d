/// The head of an answer: its status and its fields, as they came.
struct AnswerHead: Sendable, Equatable {
    struct Field: Sendable, Equatable {
        /// Places in `bytes`.
        var name: Range<Int>
        var value: Range<Int>
    }

    var status: Int
    fileprivate(set) var bytes: [UInt8] = []
    fileprivate(set) var fields: [Field] = []

    init(status: Int) { self.status = status }

    /// The first field of that name, which is given in lower case; nil where there is none.
    func value(of name: String) -> String? {
        fields.first { bytes[$0.name].elementsEqual(name.utf8) { ASCII.folded($0) == $1 } }
            .map { String(decoding: bytes[$0.value], as: UTF8.self) }
    }

    /// What Content-Length says; nil where there is none, or the body has another end.
    var contentLength: UInt64? {
        value(of: "transfer-encoding") == nil ? value(of: "content-length").flatMap(UInt64.init) : nil
    }

    /// Lends the fields in the shape that the ABI has.
    func withFields<Result>(_ body: (UnsafeBufferPointer<HTTPField>) -> Result) -> Result {
        bytes.withUnsafeBufferPointer { bytes in
            let lent = fields.map { field in
                HTTPField(
                    name: bytes.baseAddress.map { $0 + field.name.lowerBound }, nameLength: field.name.count,
                    value: bytes.baseAddress.map { $0 + field.value.lowerBound }, valueLength: field.value.count)
            }
            return lent.withUnsafeBufferPointer(body)
        }
    }
}

/// Puts an answer's head together from the lines that libcurl hands over, one after the other, interim answers and
/// trailers included. Pure.
struct AnswerHeadReader {
    enum Step: Equatable {
        case more
        /// The head is complete; the body follows.
        case head(AnswerHead)
        /// Why the answer is not acceptable.
        case refused(String)
    }

    /// All lines of one head, with their ends.
    static let byteLimit = 64 << 10
    static let fieldLimit = 256

    private var head: AnswerHead?
    private var size = 0
    private var isComplete = false

    /// - Parameter line: with its CR LF.
    mutating func take(_ line: UnsafeRawBufferPointer) -> Step {
        // After the head come only the trailers of a chunked body, which nobody asked for.
        if isComplete { return .more }
        size += line.count
        guard size <= Self.byteLimit else {
            return .refused("its head is larger than \(Self.byteLimit) bytes")
        }
        let text = UnsafeRawBufferPointer(rebasing: Self.trimmed(line))
        guard head != nil else { return begin(text) }
        return text.isEmpty ? end() : add(text, isFolded: line.first == 0x20 || line.first == 0x09)
    }

    private mutating func begin(_ text: UnsafeRawBufferPointer) -> Step {
        let start = Array("HTTP/1.".utf8)
        // `HTTP/1.1 200`: libcurl has looked at it already.
        guard text.count >= 12, text.starts(with: start), text[8] == 0x20,
            let status = Int(String(decoding: text[9..<12], as: UTF8.self)), (100...599).contains(status)
        else { return .refused("its first line is none of HTTP/1.1") }
        head = AnswerHead(status: status)
        return .more
    }

    private mutating func add(_ text: UnsafeRawBufferPointer, isFolded: Bool) -> Step {
        guard var head else { return .more }
        defer { self.head = head }
        if isFolded {
            guard let last = head.fields.indices.last else { return .refused("its first field has no name") }
            // RFC 9112 section 5.2: each fold becomes a blank. The value is the last thing in `bytes`.
            head.bytes.append(0x20)
            head.bytes += text
            head.fields[last].value = head.fields[last].value.lowerBound..<head.bytes.count
            return .more
        }
        guard let colon = text.firstIndex(of: UInt8(ascii: ":")), colon > 0, text[..<colon].allSatisfy(ASCII.isToken)
        else { return .refused("a line of its head is no field") }
        guard head.fields.count < Self.fieldLimit else {
            return .refused("its head has more than \(Self.fieldLimit) fields")
        }
        let value = Self.trimmed(UnsafeRawBufferPointer(rebasing: text[(colon + 1)...]))
        let start = head.bytes.count
        head.bytes += text[..<colon]
        head.bytes += value
        head.fields.append(
            AnswerHead.Field(name: start..<(start + colon), value: (start + colon)..<head.bytes.count))
        return .more
    }

    private mutating func end() -> Step {
        guard let head else { return .more }
        self.head = nil
        size = 0
        // 100 and 103 announce the answer proper (RFC 9110 section 15.2).
        if head.status < 200 { return .more }
        isComplete = true
        return .head(head)
    }

    /// Without the blanks and line ends around it.
    private static func trimmed(_ text: UnsafeRawBufferPointer) -> Slice<UnsafeRawBufferPointer> {
        var rest = text[...]
        while let last = rest.last, last <= 0x20 { rest.removeLast() }
        while let first = rest.first, first <= 0x20 { rest.removeFirst() }
        return rest
    }
}
