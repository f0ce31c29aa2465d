public import Fleet

/// Why the company server did not do what an administrator asked: one sentence and what to do about it.
public struct AdminFailure: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Kind: Equatable, Sendable {
        /// There is no identity to ask with, or it cannot be read.
        case identity
        /// Nobody answers at the address, or the network broke.
        case unreachable
        /// A certificate was not accepted: the server's here, or ours there.
        case certificate
        /// Who answers is not the fleet's server.
        case wrongPeer
        case clockSkew
        /// The server refused it and says why.
        case problem(Problem.Code)
        /// It has too much to do, and had for as long as was waited.
        case busy
        /// Its component hands over to a newer generation, or starts.
        case handingOver
        /// What came is no answer of a company server of this version.
        case notOurs
        /// It went wrong here: a file that cannot be written, a request that cannot be sent.
        case local
    }

    public var kind: Kind
    /// One line without a full stop.
    public var message: String
    public var advice: String?
    /// The selector that could not be read, and where: columns from 1, counted in characters.
    public var selector: (text: String, column: Int)?
    /// The server did nothing, and may do it a little later (status 503 or 429).
    public var isWorthAskingAgain = false
    /// Seconds that the server asks to wait before the next try.
    public var retryAfter: Double?

    public init(_ kind: Kind, _ message: String, advice: String? = nil) {
        self.kind = kind
        self.message = message
        self.advice = advice
    }

    public static func == (left: Self, right: Self) -> Bool {
        left.kind == right.kind && left.message == right.message && left.advice == right.advice
            && left.selector?.text == right.selector?.text && left.selector?.column == right.selector?.column
            && left.retryAfter == right.retryAfter
    }

    public var description: String { message }

    /// Whether the same request may succeed a little later, with nobody having done anything.
    public var isPassing: Bool {
        switch kind {
        case .unreachable, .busy, .handingOver, .notOurs, .problem(.store), .problem(.unavailable), .problem(.failed):
            true
        case .identity, .certificate, .wrongPeer, .clockSkew, .problem, .local: false
        }
    }
}
