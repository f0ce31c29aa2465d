public import Fleet

/// Issues identities on the company server itself, by its issuing key: for administrators and distributors, who have no
/// token to enroll with.
public struct MemberIssuing: Sendable {
    public var issuing: IssuingFolder

    public init(_ issuing: IssuingFolder) { self.issuing = issuing }

    public struct Issued: Sendable, Equatable {
        public var fleet: String
        public var notAfter: Timestamp
        public var serial: String
    }

    /// Writes a new identity into a folder that has none.
    public func issue(
        _ role: FleetRole, named name: String, lifetime: Duration, to folder: IdentityFolder, at now: Timestamp = .now()
    ) throws(FleetIdentityError) -> Issued {
        guard !folder.exists else {
            throw FleetIdentityError(reason: "there is an identity already in \(folder.path)")
        }
        let authority = try issuing.read()
        let profile = try issuing.profile()
        try folder.prepare()
        let key = try IdentityKey.make()
        let certificate = try authority.issue(
            [role], to: try SigningRequest(pem: try key.signingRequest(commonName: name)), commonName: name,
            lifetime: lifetime, at: now)
        try folder.write(key: key, certificate: certificate.pem, authority: authority.root, profile: profile)
        return Issued(fleet: profile.fleet, notAfter: certificate.notAfter, serial: certificate.serial)
    }
}
