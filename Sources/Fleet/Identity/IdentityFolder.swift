internal import COpenSSL
import FoundationEssentials
import Glibc
internal import OpenSSL

/// Where an identity is kept:
///
///     identity.pem   0600  the private key, the certificate, and those between it and its authority
///     authority.pem  0644  the fleet's root: whom to believe
///     fleet.json     0644  `FleetProfile`
///
/// Key and certificate are one file, so that both are replaced at once: whoever reads has the old or the new pair.
public struct IdentityFolder: Sendable {
    /// Bytes of a file: an identity has a few thousand.
    static let limit = 256 << 10

    public let path: String

    public init(path: String) { self.path = path }

    public var identityPath: String { path + "/identity.pem" }
    public var authorityPath: String { path + "/authority.pem" }
    public var profilePath: String { path + "/fleet.json" }

    /// Whether there is an identity, sound or not, or this process may not look.
    public var exists: Bool {
        var status = stat()
        return lstat(identityPath, &status) == 0 || errno == EACCES
    }

    /// Reads all of it, and checks that it belongs together; that it is valid just now is for the other side to say.
    public func read() throws(FleetIdentityError) -> FleetIdentity {
        let identity = try text(identityPath)
        let authority = try text(authorityPath)
        let profile = try text(profilePath)
        let checked = try CheckedIdentity(
            key: identity, certificate: identity, authority: authority, in: (identityPath, authorityPath))
        return FleetIdentity(
            certificate: Array(checked.chain.utf8), privateKey: Array(checked.key.utf8),
            authority: Array(checked.authority.utf8), peer: checked.peer, names: checked.names,
            notBefore: checked.notBefore, notAfter: checked.notAfter, profile: try Self.profile(profile, profilePath))
    }

    /// Replaces the key and the certificate in the place of those that are there, whose owner stays. What does not belong
    /// together or to the folder's authority is refused, and the old ones stay.
    /// - Parameter certificate: PEM: the certificate, then those between it and its authority.
    public func replace(key: IdentityKey, certificate: String) throws(FleetIdentityError) {
        let checked = try CheckedIdentity(
            key: key.pem, certificate: certificate, authority: try text(authorityPath),
            in: ("the new certificate", authorityPath))
        try file(identityPath).replace(with: Array((checked.key + checked.chain).utf8), mode: 0o600)
    }

    /// Writes a whole identity, the folder included; the identity itself comes last, so that what it needs is there.
    /// - Parameter owner: whose all of it shall be; nil: whoever writes.
    public func write(
        key: IdentityKey, certificate: String, authority: String, profile: FleetProfile,
        owner: (uid: UInt32, gid: UInt32)? = nil
    ) throws(FleetIdentityError) {
        let checked = try CheckedIdentity(
            key: key.pem, certificate: certificate, authority: authority,
            in: ("the new certificate", "the new authority"))
        _ = try Self.json(profile, profilePath)
        try file(path).makeFolder(mode: 0o700, owner: owner)
        try file(authorityPath).replace(with: Array(checked.authority.utf8), mode: 0o644, owner: owner)
        try Self.write(profile, to: profilePath, owner: owner)
        try file(identityPath).replace(with: Array((checked.key + checked.chain).utf8), mode: 0o600, owner: owner)
    }

    /// Makes the folder and finds out whether an identity could be kept in it, before one is asked for.
    public func prepare(owner: (uid: UInt32, gid: UInt32)? = nil) throws(FleetIdentityError) {
        try file(path).makeFolder(mode: 0o700, owner: owner)
        try file(path).checkWritable()
    }

    private func file(_ path: String) -> DurableFile { DurableFile(path: path) }

    private func text(_ path: String) throws(FleetIdentityError) -> String {
        String(decoding: try file(path).read(limit: Self.limit), as: UTF8.self)
    }

    static func write(
        _ profile: FleetProfile, to path: String, owner: (uid: UInt32, gid: UInt32)?
    ) throws(FleetIdentityError) {
        try DurableFile(path: path).replace(with: try json(profile, path) + [0x0A], mode: 0o644, owner: owner)
    }

    /// Of a profile that can be read again.
    private static func json(_ profile: FleetProfile, _ path: String) throws(FleetIdentityError) -> [UInt8] {
        let json: [UInt8]
        do {
            json = try FleetJSON.encode(profile)
        } catch {
            throw FleetIdentityError("\(path) cannot be written: \(error)")
        }
        _ = try Self.profile(String(decoding: json, as: UTF8.self), path)
        return json
    }

    static func profile(_ text: String, _ path: String) throws(FleetIdentityError) -> FleetProfile {
        let profile: FleetProfile
        do throws(FleetJSONError) {
            profile = try FleetJSON.decode(from: text.utf8)
        } catch {
            throw FleetIdentityError("\(path) does not say which fleet this is: \(error)")
        }
        do throws(FleetIdentityError) {
            _ = try (profile.serverAddress, profile.sweepsAddress, profile.pollsAddress)
        } catch {
            throw FleetIdentityError("\(path): \(error)")
        }
        return profile
    }
}

/// A key, a chain and an authority that belong together, as they are written.
private struct CheckedIdentity {
    var key: String
    var chain: String
    var authority: String
    var peer: FleetPeer
    var names: [String]
    var notBefore: Timestamp
    var notAfter: Timestamp

    /// - Parameter places: what the certificate and the authority are called in a sentence.
    init(
        key: String, certificate: String, authority: String, in places: (identity: String, authority: String)
    ) throws(FleetIdentityError) {
        let identity = places.identity
        let secret = try openSSL("\(identity) holds no private key that could be read") { () throws(OpenSSLFailure) in
            try PrivateKey(pem: Data(key.utf8))
        }
        let chain = try PEMText.chain(certificate, identity)
        let root = try PEMText.certificate(authority, places.authority)
        let facts = chain.with(0) { leaf in
            (
                belongs: leaf.belongs(to: secret), peer: FleetPeer(uris: leaf.uris, subject: leaf.subject),
                names: leaf.hostNames, notBefore: leaf.notBefore, notAfter: leaf.notAfter
            )
        }
        guard let facts, let notBefore = facts.notBefore, let notAfter = facts.notAfter else {
            throw FleetIdentityError("\(identity) holds a certificate with a date that cannot be read")
        }
        guard facts.belongs else {
            throw FleetIdentityError("\(identity): the private key does not belong to the certificate")
        }
        guard let peer = facts.peer else {
            throw FleetIdentityError("\(identity): the certificate names no role of a fleet")
        }
        try PEMText.check(
            [certificate], under: root, purpose: X509_PURPOSE_SSL_CLIENT,
            "\(identity): the certificate does not come from the authority in \(places.authority)")
        let bytes = try openSSL("\(identity) cannot be written") { () throws(OpenSSLFailure) in
            (key: try secret.pem(), chain: try chain.pem())
        }
        self.key = String(decoding: bytes.key, as: UTF8.self)
        self.chain = String(decoding: bytes.chain, as: UTF8.self)
        self.authority = try PEMText.text(root)
        self.peer = peer
        names = facts.names
        self.notBefore = Timestamp(seconds: notBefore)
        self.notAfter = Timestamp(seconds: notAfter)
    }
}
