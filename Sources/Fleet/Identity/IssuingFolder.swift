import Glibc

/// Where a company server keeps what it issues certificates with:
///
///     issuing.key    0600  the issuing certificate's private key
///     issuing.pem    0644  the issuing certificate
///     authority.pem  0644  the fleet's root certificate; its key is elsewhere
///     fleet.json     0644  `FleetProfile`
public struct IssuingFolder: Sendable {
    public let path: String

    public init(path: String) { self.path = path }

    public var keyPath: String { path + "/issuing.key" }
    public var certificatePath: String { path + "/issuing.pem" }
    public var authorityPath: String { path + "/authority.pem" }
    public var profilePath: String { path + "/fleet.json" }

    /// Whether any of it is there, sound or not, or this process may not look.
    public var exists: Bool {
        [keyPath, certificatePath, authorityPath].contains { path in
            var status = stat()
            return lstat(path, &status) == 0 || errno == EACCES
        }
    }

    public func read() throws(FleetIdentityError) -> FleetAuthority {
        let (certificate, key, root) = (try text(certificatePath), try text(keyPath), try text(authorityPath))
        do throws(FleetIdentityError) {
            return try FleetAuthority(issuingCertificate: certificate, issuingKey: key, root: root)
        } catch {
            throw FleetIdentityError("the authority in \(path) cannot be used: \(error)")
        }
    }

    public func profile() throws(FleetIdentityError) -> FleetProfile {
        try IdentityFolder.profile(try text(profilePath), profilePath)
    }

    /// Makes the folder and writes all of it, the key last.
    public func write(
        _ made: MadeAuthority, _ profile: FleetProfile, owner: (uid: UInt32, gid: UInt32)? = nil
    ) throws(FleetIdentityError) {
        try DurableFile(path: path).makeFolder(mode: 0o700, owner: owner)
        try IdentityFolder.write(profile, to: profilePath, owner: owner)
        func write(_ text: String, _ path: String, _ mode: UInt32) throws(FleetIdentityError) {
            try DurableFile(path: path).replace(with: Array(text.utf8), mode: mode, owner: owner)
        }
        try write(made.rootCertificate, authorityPath, 0o644)
        try write(made.issuingCertificate, certificatePath, 0o644)
        try write(made.issuingKey, keyPath, 0o600)
    }

    private func text(_ path: String) throws(FleetIdentityError) -> String {
        String(decoding: try DurableFile(path: path).read(limit: IdentityFolder.limit), as: UTF8.self)
    }
}
