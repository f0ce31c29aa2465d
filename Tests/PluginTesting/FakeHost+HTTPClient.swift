import Glibc
public import MusterABI

/// A transfer that a component has started, as the fake host keeps it.
public struct FakeTransfer: Sendable {
    public var number: UInt64
    public var method: String
    public var url: String
    public var headers: [(name: String, value: String)]
    public var body: [UInt8]
    public var expectedPeer: String
    /// Sizes of certificate, private key and authority.
    public var credentials: [Int]
    public var proxy: String
    public var redirectLimit: UInt32
    /// connect, stall and total, nanoseconds.
    public var timeouts: [UInt64]
    public var bodyLimit: UInt64
    public var bandwidthLimit: UInt64
    public var resumeOffset: UInt64
    public var resumeValidator: String
    public var destinationOffset: UInt64?
    public var isPaused = false
    public var isCancelled = false
    public var hasEnded = false
    fileprivate var descriptor: CInt = -1
}

struct HeldTransfer {
    var transfer: FakeTransfer
    var handler: muster_http_client_handler
}

extension FakeHost {
    /// All transfers, in the order they were started.
    public var transfers: [FakeTransfer] { state.withLock { $0.transfers.map(\.transfer) } }

    /// From now on `start` answers this instead of starting anything.
    public func refuseTransfers(with status: muster_status) { state.withLock { $0.transferRefusal = status } }

    /// Hands over an answer's head.
    public func sendHead(
        _ number: UInt64, status: UInt32 = 200, headers: [(String, String)] = [], url: String = "",
        length: UInt64 = .max
    ) {
        guard let held = held(number) else { return }
        // The memory of a head ends with the call, so that a plugin which keeps it is found out.
        let memory = TableMemory()
        let answer = memory.zeroed(muster_http_client_answer.self)
        answer.pointee.status = status
        answer.pointee.url = memory.text(url.isEmpty ? held.transfer.url : url)
        answer.pointee.content_length = length
        let fields = headers.map { muster_header(name: memory.text($0.0), value: memory.text($0.1)) }
        fields.withUnsafeBufferPointer { fields in
            answer.pointee.headers = fields.baseAddress
            answer.pointee.header_count = fields.count
            held.handler.on_head?(held.handler.context, number, answer)
        }
        withExtendedLifetime(memory) {}
    }

    /// Hands over a piece of body: to the file, where the component named one and the answer is one that goes there.
    public func sendPiece(_ number: UInt64, _ bytes: [UInt8], toFile: Bool = false) {
        guard let held = held(number) else { return }
        if toFile {
            _ = pwrite(held.transfer.descriptor, bytes, bytes.count, off_t(held.transfer.destinationOffset ?? 0))
            return
        }
        bytes.withUnsafeBufferPointer {
            held.handler.on_body?(
                held.handler.context, number, muster_bytes(data: $0.baseAddress, length: $0.count))
        }
    }

    /// Ends a transfer.
    public func endTransfer(
        _ number: UInt64, _ code: muster_http_client_code = MUSTER_HTTP_DONE, reason: String = "", status: UInt32 = 0,
        receivedBytes: UInt64 = 0, retryAfter: UInt64 = 0, date: Int64 = 0, systemError: Int32 = 0, retry: Bool = false
    ) {
        guard let held = held(number) else { return }
        state.withLock { state in
            for index in state.transfers.indices where state.transfers[index].transfer.number == number {
                state.transfers[index].transfer.hasEnded = true
            }
        }
        let memory = TableMemory()
        let result = memory.zeroed(muster_http_client_result.self)
        result.pointee.code = code
        result.pointee.reason = memory.text(reason)
        result.pointee.status = status
        result.pointee.received_bytes = receivedBytes
        result.pointee.retry_after = retryAfter
        result.pointee.date = date
        result.pointee.system_error = systemError
        result.pointee.worth_retrying = retry ? 1 : 0
        held.handler.on_end?(held.handler.context, number, result)
        if held.transfer.descriptor >= 0 { close(held.transfer.descriptor) }
        withExtendedLifetime(memory) {}
    }

    private func held(_ number: UInt64) -> HeldTransfer? {
        state.withLock { $0.transfers.first { $0.transfer.number == number && !$0.transfer.hasEnded } }
    }

    private func change(_ number: UInt64, _ change: (inout FakeTransfer) -> Void) -> muster_status {
        state.withLock { state in
            let found = state.transfers.firstIndex { $0.transfer.number == number && !$0.transfer.hasEnded }
            guard let index = found else { return MUSTER_GONE }
            change(&state.transfers[index].transfer)
            return MUSTER_OK
        }
    }

    func makeHTTPClient() -> UnsafeMutablePointer<muster_http_client> {
        let table = memory.zeroed(muster_http_client.self)
        table.pointee.context = context
        table.pointee.start = { context, request, handler, number, _ in
            guard let request, let handler, handler.pointee.on_end != nil else { return MUSTER_INVALID }
            let host = FakeHost.of(context)
            if let refusal = host.state.withLock({ $0.transferRefusal }) { return refusal }
            let transfer = FakeHost.copy(request.pointee)
            let next = host.state.withLock { state in
                let next = state.nextNumber
                state.nextNumber += 1
                var held = HeldTransfer(transfer: transfer, handler: handler.pointee)
                held.transfer.number = next
                state.transfers.append(held)
                return next
            }
            number?.pointee = next
            return MUSTER_OK
        }
        table.pointee.cancel = { context, number in FakeHost.of(context).change(number) { $0.isCancelled = true } }
        table.pointee.pause_body = { context, number in FakeHost.of(context).change(number) { $0.isPaused = true } }
        table.pointee.resume_body = { context, number in FakeHost.of(context).change(number) { $0.isPaused = false } }
        return table
    }

    private static func copy(_ request: muster_http_client_request) -> FakeTransfer {
        var body = Array(UnsafeBufferPointer(start: request.body.data, count: request.body.length))
        if request.flags & MUSTER_HTTP_BODY_FROM_DESCRIPTOR != 0 {
            body = [UInt8](repeating: 0, count: Int(request.body_length))
            _ = pread(request.body_descriptor, &body, body.count, off_t(request.body_offset))
        }
        let writes = request.flags & MUSTER_HTTP_BODY_TO_DESCRIPTOR != 0
        var transfer = FakeTransfer(
            number: 0, method: String(request.method), url: String(request.url),
            headers: UnsafeBufferPointer(start: request.headers, count: request.header_count)
                .map { (String($0.name), String($0.value)) },
            body: body, expectedPeer: String(request.expected_peer),
            credentials: [
                request.client_certificate.length, request.client_private_key.length, request.authority.length,
            ],
            proxy: String(request.proxy), redirectLimit: request.redirect_limit,
            timeouts: [request.connect_timeout, request.stall_timeout, request.total_timeout],
            bodyLimit: request.body_limit, bandwidthLimit: request.bandwidth_limit,
            resumeOffset: request.resume_offset, resumeValidator: String(request.resume_validator),
            destinationOffset: writes ? request.destination_offset : nil)
        if writes { transfer.descriptor = fcntl(request.destination_descriptor, F_DUPFD_CLOEXEC, 3) }
        return transfer
    }
}
