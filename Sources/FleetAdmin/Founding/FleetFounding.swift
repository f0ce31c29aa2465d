public import Fleet
internal import Glibc

/// Makes a fleet: its authority, the company server's identity, and its first administrator's.
public struct FleetFounding: Sendable {
    public var fleet: String
    public var server: ServerAddress
    /// DNS names and addresses that the server is reached by, besides that of `server`.
    public var names: [String]
    public var places: FleetPlaces
    public var admin: String
    public var adminFolder: IdentityFolder

    public init(
        fleet: String, server: ServerAddress, names: [String] = [], places: FleetPlaces, admin: String,
        adminFolder: IdentityFolder
    ) {
        self.fleet = fleet
        self.server = server
        self.names = names
        self.places = places
        self.admin = admin
        self.adminFolder = adminFolder
    }

    public struct Founded: Sendable, Equatable {
        /// SHA-256 of the root, lower-case hexadecimal.
        public var fingerprint: String
        /// The company server as its own first client.
        public var client: ClientID
        public var rootNotAfter: Timestamp
        public var issuingNotAfter: Timestamp
        public var serverNotAfter: Timestamp
        public var adminNotAfter: Timestamp
    }

    /// All of it or nothing: what was written is removed where something cannot be.
    public func run(at now: Timestamp = .now()) throws(FleetIdentityError) -> Founded {
        guard FleetRole.isName(admin) else {
            throw FleetIdentityError(
                reason: "an administrator's name has 1 to 64 letters, digits, '.', '_' and '-'")
        }
        try refuseSecond()
        let made = try FleetAuthority.make(fleet: fleet, at: now)
        let authority = try FleetAuthority(
            issuingCertificate: made.issuingCertificate, issuingKey: made.issuingKey, root: made.rootCertificate)
        let client = ClientID.make(at: now)
        let serverName = FleetRole.isName(server.host) ? server.host : "company-server"
        let own = try issue(
            by: authority, [.server, .client(client)], serverName, names: allNames, CertificateLife.server, now)
        let first = try issue(
            by: authority, [.admin(name: admin, .admin)], admin, names: [], CertificateLife.admin, now)
        let profile = FleetProfile(fleet: fleet, server: "\(server)")
        do throws(FleetIdentityError) {
            try DurableFile(path: places.root).makeFolder(mode: 0o700)
            try write(made.rootKey, places.rootKeyPath, 0o600)
            try write(made.rootCertificate, places.rootCertificatePath, 0o644)
            try places.issuing.write(made, profile, owner: places.owner)
            try places.identity.write(
                key: own.key, certificate: own.certificate.pem, authority: made.rootCertificate, profile: profile,
                owner: places.owner)
            try adminFolder.write(
                key: first.key, certificate: first.certificate.pem, authority: made.rootCertificate, profile: profile)
        } catch {
            for path in written { unlink(path) }
            throw error
        }
        return Founded(
            fingerprint: authority.fingerprint, client: client,
            rootNotAfter: try FleetAuthority.notAfter(of: made.rootCertificate), issuingNotAfter: authority.notAfter,
            serverNotAfter: own.certificate.notAfter, adminNotAfter: first.certificate.notAfter)
    }

    private var allNames: [String] {
        var all = [server.host]
        for name in names + ["localhost"] where !all.contains(name) { all.append(name) }
        return all
    }

    private var written: [String] {
        let folders = [places.identity, adminFolder]
        return [places.rootKeyPath, places.rootCertificatePath]
            + [places.issuing.keyPath, places.issuing.certificatePath, places.issuing.authorityPath]
            + [places.issuing.profilePath]
            + folders.flatMap { [$0.identityPath, $0.authorityPath, $0.profilePath] }
    }

    /// A machine has one fleet, and a second authority in its place would lock every member out.
    private func refuseSecond() throws(FleetIdentityError) {
        var status = stat()
        for path in written where lstat(path, &status) == 0 {
            throw FleetIdentityError(reason: "there is a fleet or an identity already: \(path) exists")
        }
    }

    private func write(_ text: String, _ path: String, _ mode: UInt32) throws(FleetIdentityError) {
        try DurableFile(path: path).replace(with: Array(text.utf8), mode: mode)
    }

    private func issue(
        by authority: FleetAuthority, _ roles: [FleetRole], _ name: String, names: [String], _ life: Duration,
        _ now: Timestamp
    ) throws(FleetIdentityError) -> (key: IdentityKey, certificate: IssuedCertificate) {
        let key = try IdentityKey.make()
        let request = try SigningRequest(pem: try key.signingRequest(commonName: name))
        return (
            key, try authority.issue(roles, to: request, commonName: name, names: names, lifetime: life, at: now)
        )
    }
}
