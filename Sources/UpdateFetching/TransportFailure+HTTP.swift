import PluginKit
import UpdateTrust

extension TransportFailure {
    /// Of a transfer that failed.
    init(_ error: any Error, _ url: String) {
        guard let error = error as? HTTPClientError else {
            self.init(.cancelled, "\(url) was given up: the component stops")
            return
        }
        // A refusal is one however its page came through.
        if let status = error.status?.rawValue, status >= 400 {
            self.init(status: Int(status), of: url, retryAfter: error.retryAfter)
            return
        }
        // The client's sentence names the address already.
        let sentence = error.message.hasSuffix(".") ? String(error.message.dropLast()) : error.message
        self.init(Cause(error.cause), sentence.isEmpty ? "\(url) could not be had" : sentence)
        systemError = error.systemError
    }
}

extension TransportFailure.Cause {
    init(_ cause: HTTPClientError.Cause) {
        switch cause {
        case .busy: self = .busy
        case .stopped, .cancelled: self = .cancelled
        case .unresolved, .notConnected, .proxyFailed, .connectionLost: self = .unreachable
        case .connectTimeout, .stalled, .totalTimeout: self = .timeout
        case .tlsFailed, .wrongPeer: self = .certificate
        case .tooLarge: self = .tooLarge
        case .fileFailed: self = .storage
        case .redirectRefused: self = .redirect
        case .notResumed: self = .notResumed
        case .invalid, .protocolBroken, .other: self = .other
        }
    }
}
