internal import MusterABI
internal import Networking

/// Hands what becomes of a transfer to the plugin's callbacks.
final class HTTPClientPluginHandler: HTTPClientHandler, @unchecked Sendable {
    // Sendable: the ABI promises that the context lives until on_end has returned, and nothing here changes.

    private let handler: muster_http_client_handler
    private let end:
        @convention(c) (UnsafeMutableRawPointer?, muster_http_transfer, UnsafePointer<muster_http_client_result>?) ->
            Void

    /// - Returns: nil where the plugin left out on_end.
    init?(_ handler: muster_http_client_handler) {
        guard let end = handler.on_end else { return nil }
        self.handler = handler
        self.end = end
    }

    func onHead(_ transfer: UInt64, _ head: HTTPClientAnswer) {
        guard let onHead = handler.on_head else { return }
        let url = StableText(head.url)
        head.withFields { fields in
            let lookup = FieldLookup(fields)
            var answer = muster_http_client_answer()
            answer.struct_size = UInt32(MemoryLayout<muster_http_client_answer>.size)
            answer.abi_major = UInt16(MUSTER_ABI_MAJOR)
            answer.abi_minor = UInt16(MUSTER_ABI_MINOR)
            answer.context = Unmanaged.passUnretained(lookup).toOpaque()
            answer.status = UInt32(head.status)
            answer.redirect_count = UInt32(head.redirectCount)
            // Both have the same layout: see HTTPField.
            answer.headers = UnsafeRawPointer(fields.baseAddress)?.assumingMemoryBound(to: muster_header.self)
            answer.header_count = fields.count
            answer.url = url.value
            answer.content_length = head.contentLength ?? .max
            answer.find_header = { context, name in
                context.map { Unmanaged<FieldLookup>.fromOpaque($0).takeUnretainedValue().find(name) }
                    ?? muster_string()
            }
            withExtendedLifetime((lookup, url)) { onHead(handler.context, transfer, &answer) }
        }
    }

    func onBody(_ transfer: UInt64, _ piece: UnsafeRawBufferPointer) {
        let bytes = muster_bytes(
            data: piece.baseAddress?.assumingMemoryBound(to: UInt8.self), length: piece.count)
        handler.on_body?(handler.context, transfer, bytes)
    }

    func onEnd(_ transfer: UInt64, _ result: HTTPClientResult) {
        let reason = StableText(result.reason)
        var table = muster_http_client_result()
        table.struct_size = UInt32(MemoryLayout<muster_http_client_result>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.code = result.code.rawValue
        table.status = UInt32(result.status)
        table.worth_retrying = result.isWorthRetrying ? 1 : 0
        table.system_error = result.systemError
        table.reason = reason.value
        table.received_bytes = result.receivedBytes
        table.retry_after = result.retryAfter ?? 0
        table.date = result.date ?? 0
        withExtendedLifetime(reason) { end(handler.context, transfer, &table) }
    }
}

/// An answer's fields while on_head lasts.
private final class FieldLookup {
    private let fields: UnsafeBufferPointer<HTTPField>

    init(_ fields: UnsafeBufferPointer<HTTPField>) { self.fields = fields }

    func find(_ name: muster_string) -> muster_string {
        guard let data = name.data, name.length > 0 else { return muster_string() }
        let wanted = UnsafeBufferPointer(start: data, count: name.length)
        let found = fields.first { field in
            field.nameBytes.elementsEqual(wanted) { Self.folded($0) == Self.folded(UInt8(bitPattern: $1)) }
        }
        guard let found else { return muster_string() }
        return muster_string(
            data: UnsafeRawPointer(found.value)?.assumingMemoryBound(to: CChar.self), length: found.valueLength)
    }

    private static func folded(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
