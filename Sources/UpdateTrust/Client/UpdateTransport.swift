/// What fetches for a client of a repository: over HTTP, or from memory in tests. Usable from any task.
public protocol UpdateTransport: Sendable {
    /// A whole document of at most `limit` bytes. Throws `tooLarge` without having taken more than that.
    func fetch(_ url: String, upTo limit: Int) async throws(TransportFailure) -> [UInt8]

    /// Appends the bytes of a document from `offset` on to an open file, and no more than `limit` of them. Where the
    /// server sends less, the file holds what came: the caller sees to the rest.
    /// - Parameters:
    ///   - file: open for writing, of exactly `offset` bytes.
    ///   - limit: bytes from `offset` on.
    ///   - progress: called now and then with the bytes that the file has, on any thread.
    func download(
        _ url: String, to file: Int32, from offset: UInt64, upTo limit: UInt64,
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws(TransportFailure)
}

/// Why nothing was fetched.
public struct TransportFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Cause: String, Hashable, Sendable, Codable {
        /// 404 or 410.
        case notFound
        /// 401 or 403.
        case forbidden
        /// 429, or 503: come back later.
        case busy
        /// Another status that is not the one hoped for.
        case status
        /// The name is unknown, or nobody listens, or the connection broke.
        case unreachable
        /// No byte came for too long, or the whole took too long.
        case timeout
        /// TLS failed: the certificate is expired, or vouched for by nobody, or of another name.
        case certificate
        /// More or other redirects than are followed.
        case redirect
        case tooLarge
        /// What was there before has changed, so that it cannot be gone on with.
        case notResumed
        /// The answer's file could not be written: see `systemError`.
        case storage
        /// It was given up because the process or component stops.
        case cancelled
        case other
    }

    public var cause: Cause
    /// A sentence without its full stop, with the address.
    public var message: String
    /// The answer's status; 0 where none came.
    public var status: Int
    public var systemError: Int32?
    /// What Retry-After asked for.
    public var retryAfter: Duration?

    public init(
        _ cause: Cause, _ message: String, status: Int = 0, systemError: Int32? = nil, retryAfter: Duration? = nil
    ) {
        self.cause = cause
        self.message = message
        self.status = status
        self.systemError = systemError
        self.retryAfter = retryAfter
    }

    /// Of an answer that is not the file, whatever page came with it.
    /// - Parameters:
    ///   - status: RFC 9110 section 15; not the one that was hoped for.
    ///   - offset: the first byte that was asked for.
    public init(status: Int, of url: String, from offset: UInt64 = 0, retryAfter: Duration? = nil) {
        let (cause, words): (Cause, String) =
            switch status {
            case 404, 410: (.notFound, "the server does not have it")
            case 401, 403: (.forbidden, "the server does not allow it")
            case 429, 503: (.busy, "the server is busy: try again later")
            case 416 where offset > 0: (.notResumed, "the server's file has no byte \(offset) to go on from")
            case 301, 302, 303, 307, 308: (.redirect, "the server sends elsewhere, where it is not followed")
            default: (.status, "the server does not answer as it should")
            }
        self.init(cause, "\(url): \(words) (status \(status))", status: status, retryAfter: retryAfter)
    }

    public var description: String { message }
}
