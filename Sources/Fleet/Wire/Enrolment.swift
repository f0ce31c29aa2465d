/// `POST /v1/enroll`: the one request that needs no certificate.
public struct EnrolRequest: Codable, Hashable, Sendable {
    /// The token's secret part.
    public var token: String
    /// PKCS #10, PEM. Only its key is taken; what it asks to be called is not.
    public var request: String
    /// The machine's, for people.
    public var name: String
    /// By the client's clock.
    public var time: Timestamp

    public init(token: String, request: String, name: String, time: Timestamp) {
        self.token = token
        self.request = request
        self.name = name
        self.time = time
    }
}

public struct EnrolAnswer: Codable, Hashable, Sendable {
    public var client: ClientID
    /// PEM: the client's, then those between it and the authority.
    public var certificate: String
    /// PEM.
    public var authority: String
    public var group: String

    public init(client: ClientID, certificate: String, authority: String, group: String) {
        self.client = client
        self.certificate = certificate
        self.authority = authority
        self.group = group
    }
}

/// `POST /v1/renew`, with the certificate that is to be replaced.
public struct RenewRequest: Codable, Hashable, Sendable {
    /// PKCS #10, PEM.
    public var request: String
    /// As in the heartbeat.
    public var instance: String

    public init(request: String, instance: String) {
        self.request = request
        self.instance = instance
    }
}

/// The client's id may be another than before: a cloned machine gets one of its own.
public struct RenewAnswer: Codable, Hashable, Sendable {
    public var client: ClientID
    /// PEM: the client's, then those between it and the authority.
    public var certificate: String

    public init(client: ClientID, certificate: String) {
        self.client = client
        self.certificate = certificate
    }
}
