public import FoundationEssentials

/// What a listener shows its clients, and asks of them.
public struct TLSConfiguration: Sendable {
    /// Whether clients show a certificate.
    public enum ClientPolicy: Sendable {
        case none
        /// One that is shown must be good; none is good too.
        case optional
        case required
    }

    /// PEM: the listener's certificate, then those between it and its authority.
    public var certificate: Data
    /// PEM, unencrypted.
    public var privateKey: Data
    public var clientPolicy: ClientPolicy
    /// PEM: whose certificates of clients are accepted; needed unless the policy is `none`.
    public var authority: Data?
    /// Patterns of SAN URIs, of which a client's certificate must match one, else its requests are answered with 403. A
    /// `*` at the end stands for any rest. Empty: every client that may connect may ask.
    public var allowedClients: [String]
    /// 80 bytes each: 16 of name, 32 for AES-256, 32 for HMAC with SHA-256. The first encrypts session tickets, all
    /// decrypt. None: sessions are not resumed.
    public var ticketKeys: [Data]
    /// Names the listener and its policy: a session is resumed only where this is the same, so that no ticket of a
    /// listener that asks for less opens one that asks for more (SSL_CTX_set_session_id_context(3)).
    public var sessionContext: String

    public init(
        certificate: Data, privateKey: Data, clientPolicy: ClientPolicy = .none, authority: Data? = nil,
        allowedClients: [String] = [], ticketKeys: [Data] = [], sessionContext: String
    ) {
        self.certificate = certificate
        self.privateKey = privateKey
        self.clientPolicy = clientPolicy
        self.authority = authority
        self.allowedClients = allowedClients
        self.ticketKeys = ticketKeys
        self.sessionContext = sessionContext
    }
}

/// Why a listener cannot be served over TLS: what was being done, and OpenSSL's reasons.
public struct TLSError: Error, Sendable, Equatable, CustomStringConvertible {
    public var doing: String
    public var reason: String

    public var description: String { "\(doing): \(reason)" }
}
