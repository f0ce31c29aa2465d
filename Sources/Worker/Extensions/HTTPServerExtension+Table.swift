internal import MusterABI
internal import Networking

/// The functions the plugin calls. Every argument is looked at before it is used; a wrong one is an answer, never a trap.
extension HTTPServerExtension {
    /// Header fields of one answer; more is a mistake.
    private static let maximumFieldCount = 1024

    static func makeTable(context: UnsafeMutableRawPointer) -> muster_http_server {
        var table = muster_http_server()
        table.struct_size = UInt32(MemoryLayout<muster_http_server>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.context = context
        table.serve = { context, name, handler, limits, error in
            HTTPServerExtension.of(context)?.serve(name, handler, limits, error) ?? MUSTER_INVALID
        }
        table.respond = { context, exchange, status, headers, count, body in
            HTTPServerExtension.of(context)?.respond(exchange, status, headers, count, body) ?? MUSTER_INVALID
        }
        table.respond_file = { context, exchange, status, headers, count, file in
            HTTPServerExtension.of(context)?.respondFile(exchange, status, headers, count, file) ?? MUSTER_INVALID
        }
        table.begin = { context, exchange, status, headers, count, length in
            HTTPServerExtension.of(context)?.begin(exchange, status, headers, count, length) ?? MUSTER_INVALID
        }
        table.write = { context, exchange, bytes in
            HTTPServerExtension.of(context)?.write(exchange, bytes) ?? MUSTER_INVALID
        }
        table.end = { context, exchange in
            HTTPServerExtension.of(context).map { $0.loops.end(ExchangeID(rawValue: exchange)).status }
                ?? MUSTER_INVALID
        }
        table.abort = { context, exchange in
            HTTPServerExtension.of(context).map { $0.loops.abort(ExchangeID(rawValue: exchange)).status }
                ?? MUSTER_INVALID
        }
        table.pause_body = { context, exchange in
            HTTPServerExtension.of(context).map { $0.loops.pauseBody(ExchangeID(rawValue: exchange)).status }
                ?? MUSTER_INVALID
        }
        table.resume_body = { context, exchange in
            HTTPServerExtension.of(context).map { $0.loops.resumeBody(ExchangeID(rawValue: exchange)).status }
                ?? MUSTER_INVALID
        }
        return table
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> HTTPServerExtension? {
        context.map { Unmanaged<HTTPServerExtension>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: serve

    private func serve(
        _ name: muster_string, _ handler: UnsafePointer<muster_http_handler>?,
        _ limits: UnsafePointer<muster_http_limits>?, _ error: UnsafeMutablePointer<muster_error>?
    ) -> muster_status {
        do throws(Refusal) {
            let (adapter, request) = try Self.checked(handler, limits)
            try serve(Self.listenerName(name), handler: adapter, limits: request)
            return MUSTER_OK
        } catch let refusal {
            Self.report(refusal.reason, to: error)
            return refusal.status
        }
    }

    private static func checked(
        _ handler: UnsafePointer<muster_http_handler>?, _ limits: UnsafePointer<muster_http_limits>?
    ) throws(Refusal) -> (HTTPServerPluginHandler, HTTPLimitRequest) {
        guard let handler, handler.pointee.struct_size >= UInt32(MUSTER_HTTP_HANDLER_SIZE_1_0) else {
            throw Refusal(status: MUSTER_INVALID, reason: "serve needs a muster_http_handler with its struct_size set.")
        }
        guard let adapter = HTTPServerPluginHandler(handler.pointee) else {
            throw Refusal(status: MUSTER_INVALID, reason: "The muster_http_handler has no on_request.")
        }
        guard let limits else { return (adapter, HTTPLimitRequest()) }
        guard limits.pointee.struct_size >= UInt32(MUSTER_HTTP_LIMITS_SIZE_1_0) else {
            throw Refusal(status: MUSTER_INVALID, reason: "The muster_http_limits has no struct_size set.")
        }
        return (adapter, HTTPLimitRequest(limits.pointee))
    }

    private static func listenerName(_ name: muster_string) throws(Refusal) -> String {
        guard let data = name.data, name.length > 0, name.length <= 256,
            let text = String(
                validating: UnsafeRawBufferPointer(start: data, count: name.length), as: Unicode.UTF8.self)
        else {
            throw Refusal(status: MUSTER_INVALID, reason: "The listener's name is not a short UTF-8 text.")
        }
        return text
    }

    private static func report(_ reason: String, to error: UnsafeMutablePointer<muster_error>?) {
        guard let error, error.pointee.struct_size >= UInt32(MUSTER_ERROR_SIZE_1_0) else { return }
        withUnsafeMutableBytes(of: &error.pointee.message) { message in
            var bytes = Array(reason.utf8.prefix(message.count - 1))
            // Never half a character.
            if bytes.count < reason.utf8.count {
                while let last = bytes.last, last & 0xc0 == 0x80 { bytes.removeLast() }
                if let last = bytes.last, last >= 0x80 { bytes.removeLast() }
            }
            message.copyBytes(from: bytes)
            message[bytes.count] = 0
        }
        withUnsafeMutableBytes(of: &error.pointee.option) { $0[0] = 0 }
    }

    // MARK: Answers

    private func respond(
        _ exchange: muster_exchange, _ status: UInt32, _ headers: UnsafePointer<muster_header>?, _ count: Int,
        _ body: muster_bytes
    ) -> muster_status {
        guard let fields = Self.fields(headers, count), let body = Self.bytes(body) else { return MUSTER_INVALID }
        return loops.respond(ExchangeID(rawValue: exchange), status: Int(status), fields: fields, body: body).status
    }

    private func respondFile(
        _ exchange: muster_exchange, _ status: UInt32, _ headers: UnsafePointer<muster_header>?, _ count: Int,
        _ file: UnsafePointer<muster_file>?
    ) -> muster_status {
        // A structure too small to hold `release` cannot be released either.
        guard let file, file.pointee.struct_size >= UInt32(MUSTER_FILE_SIZE_1_0) else { return MUSTER_INVALID }
        let release = FileRelease(function: file.pointee.release, context: file.pointee.context)
        let lease = FileLease(
            descriptor: file.pointee.descriptor, offset: file.pointee.offset, length: file.pointee.length
        ) { release() }
        guard let fields = Self.fields(headers, count) else { return MUSTER_INVALID }
        return loops.respond(ExchangeID(rawValue: exchange), status: Int(status), fields: fields, file: lease).status
    }

    private func begin(
        _ exchange: muster_exchange, _ status: UInt32, _ headers: UnsafePointer<muster_header>?, _ count: Int,
        _ length: UInt64
    ) -> muster_status {
        guard let fields = Self.fields(headers, count) else { return MUSTER_INVALID }
        return loops.begin(
            ExchangeID(rawValue: exchange), status: Int(status), fields: fields, length: length == .max ? nil : length
        ).status
    }

    private func write(_ exchange: muster_exchange, _ bytes: muster_bytes) -> muster_status {
        guard let bytes = Self.bytes(bytes) else { return MUSTER_INVALID }
        return loops.write(ExchangeID(rawValue: exchange), bytes).status
    }

    /// The plugin's header fields, seen as the server's without a copy: both have the same layout.
    private static func fields(
        _ headers: UnsafePointer<muster_header>?, _ count: Int
    ) -> UnsafeBufferPointer<HTTPField>? {
        guard count > 0 else { return count == 0 ? UnsafeBufferPointer(start: nil, count: 0) : nil }
        guard let headers, count <= maximumFieldCount else { return nil }
        return UnsafeBufferPointer(
            start: UnsafeRawPointer(headers).assumingMemoryBound(to: HTTPField.self), count: count)
    }

    private static func bytes(_ bytes: muster_bytes) -> UnsafeRawBufferPointer? {
        guard bytes.length > 0 else { return bytes.length == 0 ? UnsafeRawBufferPointer(start: nil, count: 0) : nil }
        guard let data = bytes.data else { return nil }
        return UnsafeRawBufferPointer(start: data, count: bytes.length)
    }
}

/// The plugin's way to learn that a descriptor is free again.
private struct FileRelease: @unchecked Sendable {
    // Sendable: the ABI allows release on any thread, and the context is only handed through.
    let function: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?
    let context: UnsafeMutableRawPointer?

    func callAsFunction() { function?(context) }
}

extension ExchangeResult {
    fileprivate var status: muster_status {
        switch self {
        case .done: MUSTER_OK
        case .gone: MUSTER_GONE
        case .wrongState: MUSTER_WRONG_STATE
        case .invalid: MUSTER_INVALID
        case .busy: MUSTER_BUSY
        }
    }
}
