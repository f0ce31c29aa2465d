/// What a plugin says of TLS: PEM texts where they are in its memory. They must stay there for the call.
public struct HTTPClientTLS {
    /// A SAN URI, a host name or an IP address.
    public var expectedPeer: String
    /// PEM: the certificate to show, then those between it and its authority; empty: none.
    public var certificate: UnsafeRawBufferPointer
    /// PEM, unencrypted.
    public var privateKey: UnsafeRawBufferPointer
    /// PEM: the authorities that vouch for the server; empty: the system's.
    public var authority: UnsafeRawBufferPointer

    public init(
        expectedPeer: String, certificate: UnsafeRawBufferPointer = .nothing,
        privateKey: UnsafeRawBufferPointer = .nothing,
        authority: UnsafeRawBufferPointer = .nothing
    ) {
        self.expectedPeer = expectedPeer
        self.certificate = certificate
        self.privateKey = privateKey
        self.authority = authority
    }

    var isEmpty: Bool { expectedPeer.isEmpty && certificate.isEmpty && privateKey.isEmpty && authority.isEmpty }
}

extension UnsafeRawBufferPointer {
    public static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}
