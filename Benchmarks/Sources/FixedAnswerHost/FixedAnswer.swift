import Networking

/// Answers every request with the same 512 bytes, as the plugin of that name does.
final class FixedAnswer: HTTPHandler {
    private let loops: HTTPLoops
    // Safe on every thread: written before the first request, never after, and never freed.
    private nonisolated(unsafe) let body: UnsafeBufferPointer<UInt8>
    private nonisolated(unsafe) let fields: UnsafeBufferPointer<HTTPField>

    init(loops: HTTPLoops) {
        self.loops = loops
        body = Self.kept([UInt8](repeating: UInt8(ascii: "x"), count: 512))
        fields = Self.kept([
            Self.field("Content-Type", "application/octet-stream"), Self.field("ETag", "\"fixed-answer\""),
        ])
    }

    func onRequest(_ exchange: ExchangeID, _ request: HTTPRequestHead) {
        _ = loops.respond(exchange, status: 200, fields: fields, body: UnsafeRawBufferPointer(body))
    }

    func onBody(_ exchange: ExchangeID, _ piece: UnsafeRawBufferPointer) {}
    func onBodyEnd(_ exchange: ExchangeID) {}
    func onAbort(_ exchange: ExchangeID, _ reason: AbortReason) {}
    func onWritable(_ exchange: ExchangeID) {}

    /// A copy for the life of the process, which the handler's is.
    private static func kept<Element>(_ values: [Element]) -> UnsafeBufferPointer<Element> {
        let memory = UnsafeMutableBufferPointer<Element>.allocate(capacity: values.count)
        _ = memory.initialize(from: values)
        return UnsafeBufferPointer(memory)
    }

    private static func field(_ name: String, _ value: String) -> HTTPField {
        let name = kept(Array(name.utf8))
        let value = kept(Array(value.utf8))
        return HTTPField(
            name: name.baseAddress, nameLength: name.count, value: value.baseAddress, valueLength: value.count)
    }
}
