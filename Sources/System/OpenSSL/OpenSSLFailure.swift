internal import COpenSSL

/// What OpenSSL says went wrong, taken out of its queue so that no later call is blamed for it (ERR_get_error(3)).
package struct OpenSSLFailure: Error, Equatable, Sendable {
    /// The newest reason first: `bad decrypt`, `no start line`. Never empty.
    package var reasons: [String]

    package init(reasons: [String]) { self.reasons = reasons }

    /// Empties the queue.
    package static func take() -> OpenSSLFailure {
        var reasons: [String] = []
        while case let code = ERR_get_error(), code != 0 {
            let reason = ERR_reason_error_string(code).map { String(cString: $0) } ?? "error \(code)"
            if reasons.last != reason { reasons.append(reason) }
        }
        return OpenSSLFailure(reasons: reasons.isEmpty ? ["OpenSSL gave no reason"] : reasons.reversed())
    }

    package var sentence: String { reasons.joined(separator: ", ") }
}

/// Runs a call whose failure leaves reasons in OpenSSL's queue: nil, or not 1, is a failure.
package func succeeding<Value>(_ call: () -> Value?) throws(OpenSSLFailure) -> Value {
    ERR_clear_error()
    guard let value = call() else { throw OpenSSLFailure.take() }
    return value
}

package func succeeding(_ call: () -> CInt) throws(OpenSSLFailure) {
    ERR_clear_error()
    guard call() == 1 else { throw OpenSSLFailure.take() }
}
