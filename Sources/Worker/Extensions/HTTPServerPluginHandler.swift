internal import MusterABI
internal import Networking

/// Hands a listener's requests to the plugin's callbacks.
final class HTTPServerPluginHandler: HTTPHandler, @unchecked Sendable {
    // Sendable: the ABI promises that the callbacks and their context may be used from every loop until destroy returns,
    // and nothing here changes.

    private let handler: muster_http_handler
    private let onRequest:
        @convention(c) (UnsafeMutableRawPointer?, muster_exchange, UnsafePointer<muster_http_request>?) -> Void

    /// - Returns: nil where the plugin left out on_request.
    init?(_ handler: muster_http_handler) {
        guard let onRequest = handler.on_request else { return nil }
        self.handler = handler
        self.onRequest = onRequest
    }

    func onRequest(_ exchange: ExchangeID, _ head: HTTPRequestHead) {
        let fields = head.fields
        var request = muster_http_request()
        request.struct_size = UInt32(MemoryLayout<muster_http_request>.size)
        request.abi_major = UInt16(MUSTER_ABI_MAJOR)
        request.abi_minor = UInt16(MUSTER_ABI_MINOR)
        request.method = muster_string(head.method)
        request.target = muster_string(head.target)
        request.authority = muster_string(head.authority)
        request.version = head.version
        request.has_body = head.hasBody ? 1 : 0
        request.headers = UnsafeRawPointer(fields.baseAddress)?.assumingMemoryBound(to: muster_header.self)
        request.header_count = fields.count
        request.peer = muster_string(head.peer)
        request.find_header = { request, name in HTTPServerPluginHandler.find(name, in: request) }
        guard let identity = head.identity else {
            onRequest(handler.context, exchange.rawValue, &request)
            return
        }
        let table = IdentityTable(identity)
        withExtendedLifetime(table) {
            request.identity = table.pointer
            onRequest(handler.context, exchange.rawValue, &request)
        }
    }

    func onBody(_ exchange: ExchangeID, _ piece: UnsafeRawBufferPointer) {
        let bytes = muster_bytes(
            data: piece.baseAddress?.assumingMemoryBound(to: UInt8.self), length: piece.count)
        handler.on_body?(handler.context, exchange.rawValue, bytes)
    }

    func onBodyEnd(_ exchange: ExchangeID) { handler.on_body_end?(handler.context, exchange.rawValue) }

    func onAbort(_ exchange: ExchangeID, _ reason: AbortReason) {
        handler.on_abort?(handler.context, exchange.rawValue, reason.rawValue)
    }

    func onWritable(_ exchange: ExchangeID) { handler.on_writable?(handler.context, exchange.rawValue) }

    /// The first field of that name, letters compared without regard to case.
    private static func find(_ name: muster_string, in request: UnsafePointer<muster_http_request>?) -> muster_string {
        guard let request, let wanted = name.data, let headers = request.pointee.headers else { return muster_string() }
        for index in 0..<request.pointee.header_count {
            let header = headers[index]
            guard header.name.length == name.length, let present = header.name.data else { continue }
            if isSameName(present, wanted, count: name.length) { return header.value }
        }
        return muster_string()
    }

    private static func isSameName(_ left: UnsafePointer<CChar>, _ right: UnsafePointer<CChar>, count: Int) -> Bool {
        for index in 0..<count where folded(left[index]) != folded(right[index]) { return false }
        return true
    }

    private static func folded(_ character: CChar) -> CChar {
        character >= 0x41 && character <= 0x5a ? character | 0x20 : character
    }
}

extension muster_string {
    fileprivate init(_ bytes: UnsafeBufferPointer<UInt8>) {
        self.init(
            data: UnsafeRawPointer(bytes.baseAddress)?.assumingMemoryBound(to: CChar.self), length: bytes.count)
    }
}
