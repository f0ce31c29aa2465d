/// One event of a stream.
public struct ServerSentEvent: Equatable, Sendable {
    /// `message` where the stream gives none.
    public var name: String
    public var data: String

    public init(name: String = "message", data: String) {
        self.name = name
        self.data = data
    }
}

/// A stream that is not kept to what a company server sends.
public struct EventStreamFailure: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String
}

/// Reads server-sent events out of the bytes of a stream, however they are split (WHATWG HTML, section 9.2.6). `id` and
/// `retry` are read over: counts need no place to go on from.
public struct EventStreamReader: Sendable {
    /// Bytes of a line, and of an event's data together.
    public static let limit = 256 << 10

    private var line: [UInt8] = []
    private var isAfterReturn = false
    private var isFirstLine = true
    private var name: [UInt8] = []
    private var data: [UInt8] = []
    private var hasData = false

    public init() {}

    /// - Returns: the events that are whole now. What is not ended by an empty line is none.
    public mutating func take(_ bytes: some Sequence<UInt8>) throws(EventStreamFailure) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            let follows = isAfterReturn
            isAfterReturn = byte == UInt8(ascii: "\r")
            switch byte {
            case UInt8(ascii: "\n") where follows: break
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                if let event = try endLine() { events.append(event) }
            default:
                guard line.count < Self.limit else {
                    throw EventStreamFailure(description: "a line of its events is longer than \(Self.limit) bytes")
                }
                line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() throws(EventStreamFailure) -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        if isFirstLine {
            isFirstLine = false
            if line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
        }
        guard !line.isEmpty else { return endEvent() }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value.removeFirst() }
        // A comment has no field's name.
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "event": name = Array(value)
        case "data":
            guard data.count + value.count < Self.limit else {
                throw EventStreamFailure(description: "one of its events has more than \(Self.limit) bytes")
            }
            if hasData { data.append(UInt8(ascii: "\n")) }
            data += value
            hasData = true
        default: break
        }
        return nil
    }

    private mutating func endEvent() -> ServerSentEvent? {
        defer {
            name = []
            data = []
            hasData = false
        }
        guard hasData else { return nil }
        return ServerSentEvent(
            name: name.isEmpty ? "message" : String(decoding: name, as: UTF8.self),
            data: String(decoding: data, as: UTF8.self))
    }
}
