// What administrators ask of ClientService on :50000.

/// A part of a list; `next` goes into `after` of the request for the following part.
public struct Page<Item: Codable & Hashable & Sendable>: Codable, Hashable, Sendable {
    public var items: [Item]
    public var next: String?

    public init(items: [Item], next: String? = nil) {
        self.items = items
        self.next = next
    }
}

/// `GET /v1/clients?where=SELECTOR`, `GET /v1/clients/{id}`.
public struct ClientRow: Codable, Hashable, Sendable {
    public enum Standing: String, Codable, Sendable, CaseIterable {
        case enrolled, revoked
    }

    public var id: ClientID
    public var name: String
    public var group: String
    public var standing: Standing
    public var isOnline: Bool
    public var enrolledAt: Timestamp
    /// nil: not yet.
    public var seenAt: Timestamp?
    /// How far the client's clock is ahead of the server's, in seconds.
    public var clockSkew: Double?
    public var certificateEndsAt: Timestamp?
    /// Another machine used the same identity: the client that this one was copied from, or itself.
    public var clonedFrom: ClientID?
    public var openDetections: Int
    public var status: ClientStatus?

    public init(
        id: ClientID, name: String, group: String, standing: Standing, isOnline: Bool, enrolledAt: Timestamp,
        seenAt: Timestamp? = nil, clockSkew: Double? = nil, certificateEndsAt: Timestamp? = nil,
        clonedFrom: ClientID? = nil, openDetections: Int = 0, status: ClientStatus? = nil
    ) {
        self.id = id
        self.name = name
        self.group = group
        self.standing = standing
        self.isOnline = isOnline
        self.enrolledAt = enrolledAt
        self.seenAt = seenAt
        self.clockSkew = clockSkew
        self.certificateEndsAt = certificateEndsAt
        self.clonedFrom = clonedFrom
        self.openDetections = openDetections
        self.status = status
    }
}

/// `GET /v1/groups`.
public struct GroupRow: Codable, Hashable, Sendable {
    public var name: String
    public var clients: Int

    public init(name: String, clients: Int) {
        self.name = name
        self.clients = clients
    }
}

/// `GET /v1/detections?where=SELECTOR&since=TIME`, the newest first.
public struct DetectionRow: Codable, Hashable, Sendable {
    public var client: ClientID
    public var name: String
    public var job: JobID
    /// When the result reached the server.
    public var foundAt: Timestamp
    public var detection: Detection

    public init(client: ClientID, name: String, job: JobID, foundAt: Timestamp, detection: Detection) {
        self.client = client
        self.name = name
        self.job = job
        self.foundAt = foundAt
        self.detection = detection
    }
}

/// `POST /v1/tokens`.
public struct TokenOrder: Codable, Hashable, Sendable {
    public var group: String
    public var uses: Int
    public var expiresSeconds: Int

    public init(group: String, uses: Int, expiresSeconds: Int) {
        self.group = group
        self.uses = uses
        self.expiresSeconds = expiresSeconds
    }
}

/// The answer, 201; the only time that the secret is seen.
public struct MadeToken: Codable, Hashable, Sendable {
    public var id: TokenID
    public var secret: String
    /// SHA-256 of the authority's certificate, in hexadecimal: with the server's address it makes the token a person is
    /// given.
    public var authority: String
    public var expiresAt: Timestamp

    public init(id: TokenID, secret: String, authority: String, expiresAt: Timestamp) {
        self.id = id
        self.secret = secret
        self.authority = authority
        self.expiresAt = expiresAt
    }
}

/// `GET /v1/tokens`.
public struct TokenRow: Codable, Hashable, Sendable {
    public var id: TokenID
    public var group: String
    public var usesLeft: Int
    public var createdBy: String
    public var createdAt: Timestamp
    public var expiresAt: Timestamp

    public init(
        id: TokenID, group: String, usesLeft: Int, createdBy: String, createdAt: Timestamp, expiresAt: Timestamp
    ) {
        self.id = id
        self.group = group
        self.usesLeft = usesLeft
        self.createdBy = createdBy
        self.createdAt = createdAt
        self.expiresAt = expiresAt
    }
}

/// `POST /v1/revocations`: a client (its id or name) or an administrator or distributor (`admin/NAME`,
/// `distributor/NAME`). Answered with the URI that is revoked.
public struct RevocationOrder: Codable, Hashable, Sendable {
    public var subject: String

    public init(subject: String) { self.subject = subject }
}

public struct Revocation: Codable, Hashable, Sendable {
    public var uri: String
    public var name: String
    /// It was revoked before.
    public var wasRevoked: Bool

    public init(uri: String, name: String, wasRevoked: Bool) {
        self.uri = uri
        self.name = name
        self.wasRevoked = wasRevoked
    }
}
