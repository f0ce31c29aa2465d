internal import Networking
internal import UpdateTrust

extension TransportFailure {
    init(
        _ cause: Cause, of url: String, _ reason: String, status: Int = 0, systemError: Int32? = nil
    ) {
        let sentence = reason.hasSuffix(".") ? String(reason.dropLast()) : reason
        self.init(cause, "\(url): \(sentence)", status: status, systemError: systemError)
    }

    /// nil where the whole that was asked for came.
    /// - Parameter offset: the first byte that was asked for.
    init?(_ result: HTTPClientResult, of url: String, from offset: UInt64) {
        let cause = Cause(result.code)
        if cause == nil, result.status == (offset > 0 ? 206 : 200) { return nil }
        // A refusal is one however its page came through.
        guard let cause, result.status < 400 else {
            self.init(
                status: result.status, of: url, from: offset,
                retryAfter: result.retryAfter.map { .nanoseconds(Int64(clamping: $0)) })
            return
        }
        self.init(
            cause, of: url, result.reason, status: result.status,
            systemError: result.systemError == 0 ? nil : result.systemError)
    }
}

extension TransportFailure.Cause {
    /// nil: a whole answer came, whatever its status.
    init?(_ code: HTTPClientCode) {
        switch code {
        case .done: return nil
        case .unresolved, .notConnected, .connectTimeout, .proxyFailed, .connectionLost: self = .unreachable
        case .stalled, .totalTimeout: self = .timeout
        case .tlsFailed, .wrongPeer: self = .certificate
        case .tooLarge: self = .tooLarge
        case .fileFailed: self = .storage
        case .redirectRefused: self = .redirect
        case .notResumed: self = .notResumed
        case .cancelled: self = .cancelled
        case .failed, .protocolBroken: self = .other
        }
    }
}
