/// Who a machine or a person is in the fleet, whom they believe, and where their server is.
public struct FleetIdentity: Sendable {
    /// PEM: the certificate, then those between it and its authority.
    public var certificate: [UInt8]
    /// PEM.
    public var privateKey: [UInt8]
    /// PEM: the fleet's root.
    public var authority: [UInt8]
    public var peer: FleetPeer
    /// The DNS names and IP addresses in its certificate: none but a server's.
    public var names: [String]
    public var notBefore: Timestamp
    public var notAfter: Timestamp
    public var profile: FleetProfile
}
