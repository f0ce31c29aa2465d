/// Why a request was not done: the body of every answer of 400 and above, `application/problem+json` (RFC 9457).
public struct Problem: Codable, Error, Equatable, Sendable, CustomStringConvertible {
    /// What programs tell apart; people read `detail`.
    public enum Code: String, Codable, Sendable, CaseIterable {
        /// No certificate of the fleet was shown.
        case noCertificate = "no_certificate"
        /// The role may not do that.
        case notAllowed = "not_allowed"
        /// The client, administrator or certificate was revoked.
        case revoked
        /// The certificate was replaced by a newer one, which is in use.
        case superseded
        /// The client is not in the fleet's store: it was removed, or the store restored from before its enrolment.
        case unknownClient = "unknown_client"
        case tokenUnknown = "token_unknown"
        case tokenExpired = "token_expired"
        case tokenUsedUp = "token_used_up"
        case clockSkew = "clock_skew"
        case invalid
        /// A selector that cannot be read: `column` says where.
        case selector
        case unknownGroup = "unknown_group"
        case noClients = "no_clients"
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        /// The component hands over to a newer generation, or starts: try again at once.
        case handingOver = "handing_over"
        case busy
        /// The store cannot be written: its disk is full, or the file is locked or damaged.
        case store
        /// What this component needs of another cannot be had just now.
        case unavailable
        case failed
    }

    public var status: Int
    public var code: Code
    /// What happened and what to do: a sentence or two.
    public var detail: String
    /// From 1, into the selector that was sent.
    public var column: Int?
    /// The server's clock, where it matters.
    public var time: Timestamp?

    public init(_ status: Int, _ code: Code, _ detail: String, column: Int? = nil, time: Timestamp? = nil) {
        self.status = status
        self.code = code
        self.detail = detail
        self.column = column
        self.time = time
    }

    public var description: String { detail }
}
