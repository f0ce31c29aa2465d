import PluginKit
public import UpdateTrust

extension TransportFailure {
    /// Of an answer that is not the file.
    /// - Parameter retryAfter: what the server asked for.
    public init(status: UInt32, _ url: String, retryAfter: Duration? = nil) {
        let number = Int(status)
        switch status {
        case 404, 410: self.init(.notFound, "\(url) is not there (\(status))", status: number)
        case 401, 403:
            self.init(.forbidden, "\(url) is not given to us (\(status))", status: number, retryAfter: retryAfter)
        case 429, 503:
            let when = retryAfter.map { ", for \($0.components.seconds) seconds as it says" } ?? ""
            self.init(
                .busy, "the server of \(url) has too much to do (\(status))\(when)", status: number,
                retryAfter: retryAfter)
        case 300..<400:
            self.init(.redirect, "\(url) is redirected to where it is not followed (\(status))", status: number)
        default:
            self.init(.status, "\(url) was answered with status \(status)", status: number, retryAfter: retryAfter)
        }
    }

    /// Of a transfer that failed.
    init(_ error: any Error, _ url: String) {
        guard let error = error as? HTTPClientError else {
            self.init(.cancelled, "\(url) was given up: the component stops")
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
