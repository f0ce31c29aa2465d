public import FoundationEssentials

/// What an https listener shows its clients and asks of them. It travels to the worker that serves the listener, and to
/// no other: it holds the private key.
public struct TLSCredentials: Codable, Equatable, Sendable {
    /// PEM: the listener's own certificate, then those between it and its authority.
    public var certificate: Data
    /// PEM, unencrypted.
    public var privateKey: Data
    /// PEM: the authorities that certificates of clients are verified by; nil where clients show none.
    public var authority: Data?
    /// The first encrypts new session tickets (RFC 5077, RFC 8446 section 4.6.1), all of them decrypt. Each is
    /// `ticketKeyLength` bytes: 16 of name, 32 for AES-256, 32 for HMAC with SHA-256.
    public var ticketKeys: [Data]

    public static let ticketKeyLength = 80

    public init(certificate: Data, privateKey: Data, authority: Data?, ticketKeys: [Data]) {
        self.certificate = certificate
        self.privateKey = privateKey
        self.authority = authority
        self.ticketKeys = ticketKeys
    }
}

/// What the supervisor asks of the credentials process, which has OpenSSL so that the supervisor need not.
///
/// The process answers one request after the other, each with one `CredentialAnswer`, and ends with its socket.
public enum CredentialRequest: Codable, Equatable, Sendable {
    /// Can these be served with? All PEM.
    case check(certificate: Data, privateKey: Data, authority: Data?)
    /// Make a certificate by the authority that is given, or by a new one.
    case make(CertificateOrder)
}

/// A certificate to be made for a host that has none.
public struct CertificateOrder: Codable, Equatable, Sendable {
    /// DNS names, of which the first is the subject's common name, and addresses in numbers: the SAN.
    public var names: [String]
    public var addresses: [String]
    /// URIs of the SAN: the roles, `muster:server`.
    public var uris: [String]
    /// PEM; nil: make an authority too.
    public var authority: Authority?

    public struct Authority: Codable, Equatable, Sendable {
        public var certificate: Data
        public var privateKey: Data

        public init(certificate: Data, privateKey: Data) {
            self.certificate = certificate
            self.privateKey = privateKey
        }
    }

    public init(names: [String], addresses: [String], uris: [String] = [], authority: Authority?) {
        self.names = names
        self.addresses = addresses
        self.uris = uris
        self.authority = authority
    }
}

public enum CredentialAnswer: Codable, Equatable, Sendable {
    case sound(CertificateFacts)
    case flawed(CredentialFlaw)
    case made(MadeCertificate)
    /// OpenSSL could not do what was asked, in its words.
    case failed(String)
}

/// Why credentials cannot be served with.
public struct CredentialFlaw: Codable, Equatable, Sendable, Error {
    public enum Part: String, Codable, Equatable, Sendable {
        case certificate, privateKey, authority
    }

    public var part: Part
    /// A sentence's end: `does not belong to the certificate`.
    public var reason: String

    public init(part: Part, reason: String) {
        self.part = part
        self.reason = reason
    }
}

/// What a certificate says of itself.
public struct CertificateFacts: Codable, Equatable, Sendable {
    /// RFC 2253: `CN=ws-17,O=Example`.
    public var subject: String
    /// Seconds since 1970.
    public var notBefore: Int64
    public var notAfter: Int64

    public init(subject: String, notBefore: Int64, notAfter: Int64) {
        self.subject = subject
        self.notBefore = notBefore
        self.notAfter = notAfter
    }
}

/// All PEM.
public struct MadeCertificate: Codable, Equatable, Sendable {
    public var certificate: Data
    public var privateKey: Data
    public var authority: CertificateOrder.Authority

    public init(certificate: Data, privateKey: Data, authority: CertificateOrder.Authority) {
        self.certificate = certificate
        self.privateKey = privateKey
        self.authority = authority
    }
}
