public import Fleet

/// Where a company server keeps what it is, what it issues with and what it should not keep.
public struct FleetPlaces: Sendable {
    /// The server's own identity.
    public var identity: IdentityFolder
    public var issuing: IssuingFolder
    /// The root's key: to be moved off the machine.
    public var root: String
    /// Whose identity and issuing folder shall be: the user of the workers; nil: whoever writes.
    public var owner: (uid: UInt32, gid: UInt32)?

    public var rootKeyPath: String { root + "/root.key" }
    public var rootCertificatePath: String { root + "/root.pem" }

    /// - Parameters:
    ///   - identity: the server's identity folder; all else lies beside it.
    ///   - authority: the issuing folder; nil: `authority` beside the identity.
    public init(identity: String, authority: String? = nil, owner: (uid: UInt32, gid: UInt32)? = nil) {
        let identity = Self.trimmed(identity)
        let above =
            identity.lastIndex(of: "/").map { $0 == identity.startIndex ? "" : String(identity[..<$0]) } ?? "."
        let authority = authority.map(Self.trimmed) ?? above + "/authority"
        self.identity = IdentityFolder(path: identity)
        issuing = IssuingFolder(path: authority)
        root = authority + "-root"
        self.owner = owner
    }

    private static func trimmed(_ path: String) -> String {
        var path = path
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }
}
