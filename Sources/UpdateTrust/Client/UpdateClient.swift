/// A client of one repository: refreshes its trusted metadata, and finds targets in it.
///
///     let client = UpdateClient(cache: .init(folder: "/var/lib/…/trust"), metadataURL: "https://…/metadata", transport)
///     try UpdateClient.begin(client.cache, with: root)   // once
///     let refreshed = try await client.refresh()         // TUF section 5.3 to 5.6
///     let target = try await client.find("definitions/main.hsb", in: refreshed.metadata)
///
/// The order of requests is that of the specification; a refresh that finds the known timestamp asks for the next root and
/// the timestamp, and for nothing else. Usable from any task; refreshes of one folder wait for one another.
public struct UpdateClient: Sendable {
    public let cache: MetadataCache
    /// Without a slash at its end.
    public let metadataURL: String
    public let limits: MetadataLimits
    let transport: any UpdateTransport
    let clock: @Sendable () -> MetadataTime

    /// - Parameter clock: for tests.
    public init(
        cache: MetadataCache, metadataURL: String, _ transport: any UpdateTransport,
        limits: MetadataLimits = MetadataLimits(), clock: @escaping @Sendable () -> MetadataTime = { .now() }
    ) {
        self.cache = cache
        self.metadataURL = metadataURL.hasSuffix("/") ? String(metadataURL.dropLast()) : metadataURL
        self.limits = limits
        self.transport = transport
        self.clock = clock
    }

    /// What a refresh came to.
    public struct Refreshed: Sendable {
        public var metadata: TrustedMetadata
        /// Whether the timestamp is another than before.
        public var isNew: Bool
    }

    /// Begins to trust a repository: its root must be signed as it says itself. No request is made.
    ///
    /// What is trusted already is never replaced: an older root would undo rotations, and another is for a person to decide.
    /// Throws `mismatch` where there is another root, `malformed`, `unsigned`, `storage`, `locked`.
    public static func begin(_ cache: MetadataCache, with root: [UInt8]) throws(UpdateError) {
        _ = try TrustedMetadata(root: root, now: .now())
        let lock = try cache.lock()
        defer { lock.release() }
        if let known = try cache.read(RoleName.root, upTo: .max) {
            guard known == root else {
                throw UpdateError(
                    .mismatch, role: RoleName.root,
                    "\(cache.folder) trusts another already: refresh it, or remove the folder to begin anew")
            }
            return
        }
        try cache.write(root, as: RoleName.root)
    }

    /// Whether there is a root to begin a refresh with.
    public func hasRoot() throws(UpdateError) -> Bool { try cache.read(RoleName.root, upTo: limits.root) != nil }

    func url(_ role: String, version: Int64?) -> String {
        "\(metadataURL)/\(version.map { "\($0)." } ?? "")\(RoleName.encoded(role)).json"
    }

    func fetch(_ role: String, version: Int64?, upTo limit: Int) async throws(UpdateError) -> [UInt8] {
        do throws(TransportFailure) {
            return try await transport.fetch(url(role, version: version), upTo: limit)
        } catch {
            switch error.cause {
            case .tooLarge: throw UpdateError(.tooLarge, role: role, error.message, transport: error)
            case .notFound: throw UpdateError(.missing, role: role, error.message, transport: error)
            default: throw UpdateError(.transport, role: role, error.message, transport: error)
            }
        }
    }
}
