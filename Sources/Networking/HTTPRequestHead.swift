/// The head of a request: one run of bytes, and where in it each part lies.
///
/// Heads are reused: what one returns is valid only within `HTTPHandler.onRequest`, on that thread.
public final class HTTPRequestHead {
    /// A stretch of `bytes`.
    struct Range {
        var start: Int = 0
        var count: Int = 0
    }

    struct FieldRange {
        var name = Range()
        var value = Range()
    }

    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private(set) var count = 0
    private var capacity: Int
    var fieldRanges: [FieldRange] = []
    private var fieldList: UnsafeMutablePointer<HTTPField>
    private var fieldCapacity = 16

    var methodRange = Range()
    var targetRange = Range()
    var authorityRange = Range()
    var peerRange = Range()
    /// 10 or 11: HTTP/1.0 or HTTP/1.1 (and later minors, RFC 9110 section 2.5).
    public internal(set) var version: UInt32 = 11
    /// Whether `onBody` and `onBodyEnd` will be called.
    public internal(set) var hasBody = false
    /// The value of Content-Length; nil where there is none.
    public internal(set) var contentLength: UInt64?
    /// Who the client proved to be; nil without TLS, or without a certificate of the client's.
    public internal(set) var identity: TLSIdentity?
    var isHead = false
    var keepsAlive = true
    var expectsContinue = false

    init() {
        capacity = 1024
        bytes = .allocate(capacity: capacity)
        fieldList = .allocate(capacity: fieldCapacity)
    }

    deinit {
        bytes.deallocate()
        fieldList.deallocate()
    }

    /// As sent: `GET`.
    public var method: UnsafeBufferPointer<UInt8> { slice(methodRange) }
    /// In origin form, `/path?query`, or `*`.
    public var target: UnsafeBufferPointer<UInt8> { slice(targetRange) }
    /// The Host field's value or the absolute target's host; empty where there is neither.
    public var authority: UnsafeBufferPointer<UInt8> { slice(authorityRange) }
    /// The peer's address and port: `192.0.2.7:40112`, `[2001:db8::7]:40112`.
    public var peer: UnsafeBufferPointer<UInt8> { slice(peerRange) }

    /// All header fields, in the order sent.
    public var fields: UnsafeBufferPointer<HTTPField> {
        UnsafeBufferPointer(start: fieldList, count: fieldRanges.count)
    }

    /// The value of the first field called `name`, which must be in lower case.
    public func value(of name: StaticString) -> UnsafeBufferPointer<UInt8>? {
        for field in fieldRanges where field.name.count == name.utf8CodeUnitCount {
            if equalsIgnoringCase(slice(field.name), name) { return slice(field.value) }
        }
        return nil
    }

    func slice(_ range: Range) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: bytes + range.start, count: range.count)
    }

    /// Forgets the former request, and gives back memory that only an unusual one needs.
    func reset() {
        count = 0
        fieldRanges.removeAll(keepingCapacity: true)
        authorityRange = Range()
        peerRange = Range()
        contentLength = nil
        expectsContinue = false
        isHead = false
        hasBody = false
        if capacity > 32 << 10 {
            bytes.deallocate()
            capacity = 1024
            bytes = .allocate(capacity: capacity)
        }
    }

    func append(_ source: UnsafePointer<UInt8>, count length: Int) {
        if count + length > capacity { grow(to: count + length) }
        (bytes + count).update(from: source, count: length)
        count += length
    }

    func append(_ byte: UInt8) {
        if count + 1 > capacity { grow(to: count + 1) }
        bytes[count] = byte
        count += 1
    }

    private func grow(to needed: Int) {
        let larger = max(capacity * 2, needed)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: bytes, count: count)
        bytes.deallocate()
        bytes = moved
        capacity = larger
    }

    /// Adds the peer's text and makes the list of fields; nothing may be appended after it.
    func seal(peer: [UInt8]) {
        peerRange = Range(start: count, count: peer.count)
        peer.withUnsafeBufferPointer { text in
            if let base = text.baseAddress { append(base, count: text.count) }
        }
        if fieldRanges.count > fieldCapacity {
            fieldList.deallocate()
            fieldCapacity = fieldRanges.count
            fieldList = .allocate(capacity: fieldCapacity)
        }
        for (index, field) in fieldRanges.enumerated() {
            fieldList[index] = HTTPField(
                name: UnsafePointer(bytes + field.name.start), nameLength: field.name.count,
                value: UnsafePointer(bytes + field.value.start), valueLength: field.value.count)
        }
    }
}

/// Whether ASCII `text` is `lowercase`, letters compared without regard to case.
func equalsIgnoringCase(_ text: UnsafeBufferPointer<UInt8>, _ lowercase: StaticString) -> Bool {
    guard text.count == lowercase.utf8CodeUnitCount else { return false }
    let other = lowercase.utf8Start
    for index in 0..<text.count {
        var byte = text[index]
        if byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") { byte |= 0x20 }
        if byte != other[index] { return false }
    }
    return true
}
