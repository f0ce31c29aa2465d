/// What is to be fetched, from whom, and within which limits. What is nil has the host's default.
public struct HTTPRequest: Sendable {
    public enum Body: Sendable {
        case none
        /// At most 16 MiB.
        case bytes([UInt8])
        case file(OpenFile, range: Range<UInt64>)
    }

    /// A certificate and its private key, both PEM, the key unencrypted.
    public struct Identity: Sendable {
        /// The certificate, then those between it and its authority.
        public var certificate: [UInt8]
        public var privateKey: [UInt8]

        public init(certificate: [UInt8], privateKey: [UInt8]) {
            self.certificate = certificate
            self.privateKey = privateKey
        }
    }

    /// How an https request knows its server, and is known to it.
    public struct TLS: Sendable {
        /// Whom the request must reach: a URI that is among the certificate's SAN URIs (`muster:server`), a host name, or
        /// an IP address. Nothing is sent to anybody else.
        public var expectedPeer: String
        /// PEM: the authorities that alone vouch for the server; nil: those the system trusts.
        public var authority: [UInt8]?
        /// What is shown to the server; nil: nothing.
        public var identity: Identity?

        public init(expecting expectedPeer: String, authority: [UInt8]? = nil, identity: Identity? = nil) {
            self.expectedPeer = expectedPeer
            self.authority = authority
            self.identity = identity
        }
    }

    /// In upper case.
    public var method: String
    /// `https://` or `http://`, without user and password.
    public var url: String
    public var headers: HeaderFields
    public var body: Body
    /// Needed for https, and not allowed for http.
    public var tls: TLS?
    /// `http://host:port`, perhaps with `user:password@`; nil: none. The environment is never looked at.
    public var proxy: String?
    /// How many redirects are followed: none by default.
    public var redirectLimit = 0
    /// Until the connection stands.
    public var connectTimeout: Duration?
    /// How long no byte at all may move.
    public var stallTimeout: Duration?
    /// From start to end; nil: no bound.
    public var totalTimeout: Duration?
    /// Bytes of the answer's body; nil: no bound.
    public var bodyLimit: UInt64?
    /// Bytes a second, each way; nil: no bound.
    public var bandwidthLimit: UInt64?

    public init(
        _ url: String, method: String = "GET", headers: HeaderFields = .none, body: Body = .none, tls: TLS? = nil
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
        self.tls = tls
    }
}

/// The head of an answer that was fetched.
public struct HTTPAnswerHead: Sendable {
    public var status: Status
    /// In the order sent; names as sent.
    public var headers: [(name: String, value: String)]
    /// What was answered: after redirects not what was asked for.
    public var url: String
    public var redirectCount: Int
    /// The bytes of body to come; nil where that is not known.
    public var contentLength: UInt64?

    /// The value of the first field called `name`, in any case; nil where there is none.
    public func header(_ name: String) -> String? {
        let name = name.lowercased()
        return headers.first { $0.name.lowercased() == name }?.value
    }
}

/// An answer that was fetched whole.
public struct HTTPAnswer: Sendable {
    public var head: HTTPAnswerHead
    public var body: [UInt8]
    public var end: HTTPTransferEnd

    public var status: Status { head.status }
    /// The body as text; what is not UTF-8 is replaced.
    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// What a transfer came to.
public struct HTTPTransferEnd: Sendable {
    /// nil: the answer came whole, of whatever status.
    public var failure: HTTPClientError?
    /// nil where no head came.
    public var status: Status?
    /// Bytes of the answer's body.
    public var receivedBytes: UInt64
    /// Whether the same request may well succeed later: the network failed, or the status says so.
    public var isWorthRetrying: Bool
    /// What Retry-After asks for.
    public var retryAfter: Duration?
    /// The server's clock, seconds since 1970.
    public var date: Int64?
}

/// Why something was not fetched.
public struct HTTPClientError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The names are explained in muster/ext/http-client.h.
    public enum Cause: Sendable, Equatable {
        /// The request is not one that may be made.
        case invalid
        /// Too many wait already: try again later.
        case busy
        /// The component stops.
        case stopped
        case cancelled, unresolved, notConnected, connectTimeout, proxyFailed, tlsFailed, wrongPeer, stalled,
            totalTimeout
        case connectionLost, protocolBroken, tooLarge, fileFailed, redirectRefused
        /// The content has changed, or cannot be resumed: start over from its beginning.
        case notResumed
        case other
    }

    public var cause: Cause
    /// What happened, where, and what to do about it: a sentence.
    public var message: String
    /// errno where a file (or, where it is known, a connection) failed: ENOSPC for a full disk.
    public var systemError: CInt?
    /// Whether the same request may well succeed later.
    public var isWorthRetrying: Bool
    /// Of the answer, where its head came before it failed: a 503 whose page is too large is a 503.
    public var status: Status?
    /// What the answer's Retry-After asked for.
    public var retryAfter: Duration?

    public init(
        _ cause: Cause, _ message: String, systemError: CInt? = nil, isWorthRetrying: Bool = false,
        status: Status? = nil, retryAfter: Duration? = nil
    ) {
        self.cause = cause
        self.message = message
        self.systemError = systemError
        self.isWorthRetrying = isWorthRetrying
        self.status = status
        self.retryAfter = retryAfter
    }

    public var description: String { message }
}
