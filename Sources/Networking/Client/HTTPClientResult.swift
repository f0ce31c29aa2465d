/// How a transfer ended. The numbers are those of `muster_http_client_code` in the plugin ABI.
public enum HTTPClientCode: UInt32, Sendable, CaseIterable {
    case done = 0, failed, cancelled, unresolved, notConnected, connectTimeout, proxyFailed, tlsFailed, wrongPeer,
        stalled
    case totalTimeout, connectionLost, protocolBroken, tooLarge, fileFailed, redirectRefused, notResumed

    /// Whether the network may be better later, or it was only this once.
    var isPassing: Bool {
        switch self {
        case .unresolved, .notConnected, .connectTimeout, .proxyFailed, .stalled, .totalTimeout, .connectionLost: true
        case .done, .failed, .cancelled, .tlsFailed, .wrongPeer, .protocolBroken, .tooLarge, .fileFailed: false
        case .redirectRefused, .notResumed: false
        }
    }
}

/// Why a transfer did not come to a whole answer.
struct TransferFailure: Error, Sendable, Equatable {
    var code: HTTPClientCode
    /// A sentence for a person.
    var reason: String
    /// errno, or 0.
    var systemError: CInt = 0

    init(_ code: HTTPClientCode, _ reason: String, systemError: CInt = 0) {
        self.code = code
        self.reason = reason
        self.systemError = systemError
    }
}

/// What a transfer came to.
public struct HTTPClientResult: Sendable, Equatable {
    public var code: HTTPClientCode
    /// The answer's status where its head came, otherwise 0.
    public var status = 0
    public var isWorthRetrying: Bool
    /// errno, or 0.
    public var systemError: CInt = 0
    /// A sentence for a person; empty for `done`.
    public var reason = ""
    /// Bytes of the answer's body that were handed on.
    public var receivedBytes: UInt64 = 0
    /// What Retry-After asks for, nanoseconds; nil: nothing.
    public var retryAfter: UInt64?
    /// The answer's Date, seconds since 1970.
    public var date: Int64?

    init(_ failure: TransferFailure?, _ head: AnswerHead?, receivedBytes: UInt64, now: Int64) {
        code = failure?.code ?? .done
        reason = failure?.reason ?? ""
        systemError = failure?.systemError ?? 0
        status = head?.status ?? 0
        self.receivedBytes = receivedBytes
        // RFC 9110 section 15: these say that it may be otherwise later.
        isWorthRetrying = code.isPassing || code == .done && [408, 425, 429, 500, 502, 503, 504].contains(status)
        date = head?.value(of: "date").flatMap(HTTPDateText.seconds)
        retryAfter = head?.value(of: "retry-after").flatMap { Self.duration(of: $0, from: date ?? now) }
    }

    /// A number of seconds, or a date (RFC 9110 section 10.2.3), as nanoseconds; a year at most.
    private static func duration(of text: String, from now: Int64) -> UInt64? {
        let seconds: UInt64
        if !text.isEmpty, text.utf8.allSatisfy(ASCII.isDigit) {
            seconds = UInt64(text) ?? .max
        } else if let date = HTTPDateText.seconds(text) {
            seconds = UInt64(max(0, date - now))
        } else {
            return nil
        }
        return min(seconds, 365 * 86_400) * 1_000_000_000
    }
}

/// Why a request is not started, for a person. The request itself is wrong, whatever the network does.
public struct HTTPClientRefusal: Error, Sendable, Equatable, CustomStringConvertible {
    public var description: String

    init(_ description: String) { self.description = description }
}
