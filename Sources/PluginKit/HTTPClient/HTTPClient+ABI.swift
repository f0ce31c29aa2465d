import MusterABI

extension HTTPRequest {
    /// Calls `body` with the request as the ABI passes it; the pointers end with the call.
    func withABI<Result>(
        _ file: HTTPClient.Destination?, _ body: (UnsafePointer<muster_http_client_request>) -> Result
    ) -> Result {
        var table = muster_http_client_request.sized()
        table.redirect_limit = UInt32(clamping: redirectLimit)
        table.connect_timeout = connectTimeout.map { max(1, $0.wholeNanoseconds) } ?? 0
        table.stall_timeout = stallTimeout.map { max(1, $0.wholeNanoseconds) } ?? 0
        table.total_timeout = totalTimeout.map { max(1, $0.wholeNanoseconds) } ?? 0
        table.body_limit = bodyLimit.map { max(1, $0) } ?? 0
        table.bandwidth_limit = bandwidthLimit.map { max(1, $0) } ?? 0
        var content: [UInt8] = []
        switch self.body {
        case .none: break
        case .bytes(let bytes): content = bytes
        case .file(let file, let range):
            table.flags |= MUSTER_HTTP_BODY_FROM_DESCRIPTOR
            table.body_descriptor = file.descriptor
            table.body_offset = range.lowerBound
            table.body_length = range.upperBound - range.lowerBound
        }
        if let file {
            table.flags |= MUSTER_HTTP_BODY_TO_DESCRIPTOR
            table.destination_descriptor = file.file.descriptor
            table.destination_offset = file.resumption?.offset ?? 0
            table.resume_offset = file.resumption?.offset ?? 0
        }
        let texts = [method, url, tls?.expectedPeer ?? "", proxy ?? "", file?.resumption?.validator ?? ""]
        let bytes = [
            content, tls?.identity?.certificate ?? [], tls?.identity?.privateKey ?? [], tls?.authority ?? [],
        ]
        return headers.withABI { fields, count in
            table.headers = fields
            table.header_count = count
            return withABITexts(texts) { texts in
                (table.method, table.url, table.expected_peer) = (texts[0], texts[1], texts[2])
                (table.proxy, table.resume_validator) = (texts[3], texts[4])
                return withABIBytes(bytes) { bytes in
                    (table.body, table.client_certificate) = (bytes[0], bytes[1])
                    (table.client_private_key, table.authority) = (bytes[2], bytes[3])
                    let result = body(&table)
                    // So that the file outlives the call which duplicates its descriptor.
                    withExtendedLifetime((self, file)) {}
                    return result
                }
            }
        }
    }
}

/// Lends as many texts as there are.
private func withABITexts<Result>(_ texts: [String], _ body: ([muster_string]) -> Result) -> Result {
    func lend(_ index: Int, _ lent: [muster_string]) -> Result {
        if index == texts.count { return body(lent) }
        return withABIText(texts[index]) { lend(index + 1, lent + [$0]) }
    }
    return lend(0, [])
}

private func withABIBytes<Result>(_ all: [[UInt8]], _ body: ([muster_bytes]) -> Result) -> Result {
    func lend(_ index: Int, _ lent: [muster_bytes]) -> Result {
        if index == all.count { return body(lent) }
        return all[index].withUnsafeBufferPointer { bytes in
            lend(index + 1, lent + [muster_bytes(data: bytes.isEmpty ? nil : bytes.baseAddress, length: bytes.count)])
        }
    }
    return lend(0, [])
}

extension HTTPAnswerHead {
    /// nil where the host handed over something that is not an answer of this ABI.
    init?(_ answer: UnsafePointer<muster_http_client_answer>?) {
        guard let answer, isUsable(answer, size: MUSTER_HTTP_CLIENT_ANSWER_SIZE_1_0) else { return nil }
        status = Status(rawValue: answer.pointee.status)
        let fields = UnsafeBufferPointer(
            start: answer.pointee.headers, count: answer.pointee.headers == nil ? 0 : answer.pointee.header_count)
        headers = fields.map { ($0.name.repairedText, $0.value.repairedText) }
        url = answer.pointee.url.repairedText
        redirectCount = Int(answer.pointee.redirect_count)
        contentLength = answer.pointee.content_length == .max ? nil : answer.pointee.content_length
    }
}

extension HTTPTransferEnd {
    init(_ result: UnsafePointer<muster_http_client_result>?) {
        guard let result, isUsable(result, size: MUSTER_HTTP_CLIENT_RESULT_SIZE_1_0) else {
            failure = HTTPClientError(.other, "The host handed over a result that is not one of this ABI.")
            receivedBytes = 0
            isWorthRetrying = false
            return
        }
        let table = result.pointee
        status = table.status == 0 ? nil : Status(rawValue: table.status)
        receivedBytes = table.received_bytes
        isWorthRetrying = table.worth_retrying != 0
        retryAfter = table.retry_after == 0 ? nil : .nanoseconds(Int64(clamping: table.retry_after))
        date = table.date == 0 ? nil : table.date
        guard table.code != MUSTER_HTTP_DONE else { return }
        failure = HTTPClientError(
            HTTPClientError.Cause(table.code), table.reason.repairedText,
            systemError: table.system_error == 0 ? nil : table.system_error, isWorthRetrying: isWorthRetrying)
    }
}

extension HTTPClientError.Cause {
    init(_ code: muster_http_client_code) {
        switch code {
        case MUSTER_HTTP_CANCELLED: self = .cancelled
        case MUSTER_HTTP_UNRESOLVED: self = .unresolved
        case MUSTER_HTTP_NOT_CONNECTED: self = .notConnected
        case MUSTER_HTTP_CONNECT_TIMEOUT: self = .connectTimeout
        case MUSTER_HTTP_PROXY_FAILED: self = .proxyFailed
        case MUSTER_HTTP_TLS_FAILED: self = .tlsFailed
        case MUSTER_HTTP_WRONG_PEER: self = .wrongPeer
        case MUSTER_HTTP_STALLED: self = .stalled
        case MUSTER_HTTP_TOTAL_TIMEOUT: self = .totalTimeout
        case MUSTER_HTTP_CONNECTION_LOST: self = .connectionLost
        case MUSTER_HTTP_PROTOCOL: self = .protocolBroken
        case MUSTER_HTTP_TOO_LARGE: self = .tooLarge
        case MUSTER_HTTP_FILE_FAILED: self = .fileFailed
        case MUSTER_HTTP_REDIRECT_REFUSED: self = .redirectRefused
        case MUSTER_HTTP_NOT_RESUMED: self = .notResumed
        default: self = .other
        }
    }
}
