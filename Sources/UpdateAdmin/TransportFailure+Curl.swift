internal import Networking
internal import UpdateTrust

extension TransportFailure {
    init(
        _ cause: Cause, of url: String, _ reason: String, status: Int = 0, systemError: Int32? = nil,
        retryAfter: Duration? = nil
    ) {
        let sentence = reason.hasSuffix(".") ? String(reason.dropLast()) : reason
        self.init(
            cause, "\(url): \(sentence)", status: status, systemError: systemError, retryAfter: retryAfter)
    }

    /// nil where the whole that was asked for came.
    /// - Parameter offset: the first byte that was asked for.
    init?(_ result: HTTPClientResult, of url: String, from offset: UInt64) {
        // A refusal is one however its page came through.
        if result.status >= 400 {
            self.init(refusal: result, of: url, from: offset)
            return
        }
        guard let cause = Cause(result.code) else {
            if result.status == (offset > 0 ? 206 : 200) { return nil }
            self.init(
                .status, of: url, "the server answers with status \(result.status), and not with the file",
                status: result.status)
            return
        }
        self.init(
            cause, of: url, result.reason, status: result.status,
            systemError: result.systemError == 0 ? nil : result.systemError)
    }

    private init(refusal result: HTTPClientResult, of url: String, from offset: UInt64) {
        let (cause, words): (Cause, String) =
            switch result.status {
            case 404, 410: (.notFound, "the server does not have it")
            case 401, 403: (.forbidden, "the server does not allow it")
            case 429, 503: (.busy, "the server is busy: try again later")
            case 416 where offset > 0: (.notResumed, "the server's file has no byte \(offset) to go on from")
            default: (.status, "the server cannot answer as it should")
            }
        self.init(
            cause, of: url, "\(words) (status \(result.status))", status: result.status,
            retryAfter: result.retryAfter.map { .nanoseconds(Int64(clamping: $0)) })
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
