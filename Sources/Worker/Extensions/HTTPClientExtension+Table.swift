internal import MusterABI
internal import Networking

/// The functions the plugin calls. Every argument is looked at before it is used; a wrong one is an answer, never a trap.
extension HTTPClientExtension {
    static func makeTable(context: UnsafeMutableRawPointer) -> muster_http_client {
        var table = muster_http_client()
        table.struct_size = UInt32(MemoryLayout<muster_http_client>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.context = context
        table.start = { context, request, handler, transfer, error in
            HTTPClientExtension.of(context)?.start(request, handler, transfer, error) ?? MUSTER_INVALID
        }
        table.cancel = { context, transfer in
            HTTPClientExtension.of(context)?.change { $0.cancel(transfer) } ?? MUSTER_INVALID
        }
        table.pause_body = { context, transfer in
            HTTPClientExtension.of(context)?.change { $0.pause(transfer) } ?? MUSTER_INVALID
        }
        table.resume_body = { context, transfer in
            HTTPClientExtension.of(context)?.change { $0.resume(transfer) } ?? MUSTER_INVALID
        }
        return table
    }

    private func change(_ change: (HTTPClient) -> Bool) -> muster_status {
        client.map(change) == true ? MUSTER_OK : MUSTER_GONE
    }

    private func start(
        _ request: UnsafePointer<muster_http_client_request>?,
        _ handler: UnsafePointer<muster_http_client_handler>?, _ transfer: UnsafeMutablePointer<muster_http_transfer>?,
        _ reason: UnsafeMutablePointer<muster_error>?
    ) -> muster_status {
        func refuse(_ status: muster_status, _ sentence: String) -> muster_status {
            ErrorMessage.write(sentence, to: reason)
            return status
        }
        guard let request = request?.read(atLeast: Int(MUSTER_HTTP_CLIENT_REQUEST_SIZE_1_0)) else {
            return refuse(MUSTER_INVALID, "start needs a muster_http_client_request with its struct_size set.")
        }
        guard let handler = handler?.read(atLeast: Int(MUSTER_HTTP_CLIENT_HANDLER_SIZE_1_0)) else {
            return refuse(MUSTER_INVALID, "start needs a muster_http_client_handler with its struct_size set.")
        }
        guard let calls = HTTPClientPluginHandler(handler) else {
            return refuse(MUSTER_INVALID, "The muster_http_client_handler has no on_end.")
        }
        guard let client else { return refuse(MUSTER_WRONG_STATE, "The component stops: nothing is fetched any more.") }
        do throws(HTTPClientRequestError) {
            let (wanted, tls) = try HTTPClientRequest.read(request)
            do throws(HTTPClient.Failure) {
                try client.start(wanted, tls, calls) { transfer?.pointee = $0 }
                return MUSTER_OK
            } catch {
                switch error {
                case .refused(let refusal): return refuse(MUSTER_INVALID, refusal.description)
                case .busy: return refuse(MUSTER_BUSY, "As many transfers wait as may: try again later.")
                case .closed:
                    return refuse(MUSTER_WRONG_STATE, "The component stops: nothing is fetched any more.")
                }
            }
        } catch {
            return refuse(MUSTER_INVALID, error.reason)
        }
    }
}

/// What of a plugin's structure cannot be read.
struct HTTPClientRequestError: Error {
    var reason: String
}

extension HTTPClientRequest {
    private static let textLimit = 16 << 10
    private static let bytesLimit = 64 << 20

    /// The plugin's structure as values, but for the PEM texts, which stay where they are.
    static func read(
        _ request: muster_http_client_request
    ) throws(HTTPClientRequestError) -> (HTTPClientRequest, HTTPClientTLS) {
        func text(_ string: muster_string, _ member: String) throws(HTTPClientRequestError) -> String {
            guard let text = string.text(limit: textLimit) else {
                throw HTTPClientRequestError(
                    reason: "The request's \(member) is no UTF-8 text of at most \(textLimit) bytes.")
            }
            return text
        }
        func bytes(_ bytes: muster_bytes, _ member: String) throws(HTTPClientRequestError) -> UnsafeRawBufferPointer {
            guard bytes.length != 0 else { return .nothing }
            // A size_t beyond Int.max arrives negative.
            guard let data = bytes.data, (1...bytesLimit).contains(bytes.length) else {
                throw HTTPClientRequestError(
                    reason: "The request's \(member) has a length without bytes, or more than \(bytesLimit) bytes.")
            }
            return UnsafeRawBufferPointer(start: data, count: bytes.length)
        }
        var wanted = HTTPClientRequest(url: try text(request.url, "url"))
        let method = try text(request.method, "method")
        if !method.isEmpty { wanted.method = method }
        wanted.fields = try fields(request.headers, request.header_count)
        let body = try bytes(request.body, "body")
        let flags = request.flags
        guard flags & ~(MUSTER_HTTP_BODY_FROM_DESCRIPTOR | MUSTER_HTTP_BODY_TO_DESCRIPTOR) == 0 else {
            throw HTTPClientRequestError(reason: "The request has flags that this host does not know.")
        }
        if flags & MUSTER_HTTP_BODY_FROM_DESCRIPTOR != 0 {
            guard body.isEmpty else {
                throw HTTPClientRequestError(reason: "The request has two bodies, bytes and a descriptor.")
            }
            wanted.body = .file(
                descriptor: request.body_descriptor, offset: request.body_offset, length: request.body_length)
        } else if !body.isEmpty {
            wanted.body = .bytes(Array(body))
        }
        if flags & MUSTER_HTTP_BODY_TO_DESCRIPTOR != 0 {
            wanted.destination = Destination(
                descriptor: request.destination_descriptor, offset: request.destination_offset)
        }
        wanted.redirectLimit = Int(request.redirect_limit)
        wanted.proxy = try text(request.proxy, "proxy")
        if request.connect_timeout > 0 { wanted.connectTimeout = request.connect_timeout }
        if request.stall_timeout > 0 { wanted.stallTimeout = request.stall_timeout }
        if request.total_timeout > 0 { wanted.totalTimeout = request.total_timeout }
        if request.body_limit > 0 { wanted.bodyLimit = request.body_limit }
        if request.bandwidth_limit > 0 { wanted.bandwidthLimit = request.bandwidth_limit }
        wanted.resumeOffset = request.resume_offset
        wanted.resumeValidator = try text(request.resume_validator, "resume_validator")
        let tls = HTTPClientTLS(
            expectedPeer: try text(request.expected_peer, "expected_peer"),
            certificate: try bytes(request.client_certificate, "client_certificate"),
            privateKey: try bytes(request.client_private_key, "client_private_key"),
            authority: try bytes(request.authority, "authority"))
        return (wanted, tls)
    }

    private static func fields(
        _ headers: UnsafePointer<muster_header>?, _ count: Int
    ) throws(HTTPClientRequestError) -> [Field] {
        guard count != 0 else { return [] }
        guard let headers, (1...1024).contains(count) else {
            throw HTTPClientRequestError(reason: "The request's headers are NULL with a count, or more than 1024.")
        }
        var fields: [Field] = []
        for header in UnsafeBufferPointer(start: headers, count: count) {
            guard let name = header.name.text(limit: textLimit), let value = header.value.text(limit: textLimit * 4)
            else {
                throw HTTPClientRequestError(reason: "The request's headers hold what is no UTF-8 text, or too long.")
            }
            fields.append(Field(name, value))
        }
        return fields
    }
}
