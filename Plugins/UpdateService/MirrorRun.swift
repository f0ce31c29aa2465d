import Files
import UpdateTrust

/// One look at the upstream: what is newer there is verified, stored, and then made visible at once.
///
/// It may end at any instruction: what is on disk is then the old publication or the new one, and the next run goes on.
struct MirrorRun: Sendable {
    let upstream: Upstream
    let folder: RepositoryFolder
    let grace: Duration
    /// Runs what blocks for long.
    var blocking: TargetDownload.Blocking = TargetDownload.inline
    /// Told the bytes that have been fetched of those that are missing.
    var progress: @Sendable (_ fetched: UInt64, _ missing: UInt64, _ path: String) -> Void = { _, _, _ in }
    var clock: @Sendable () -> MetadataTime = { .now() }
    /// Whether this process has looked through the files of the repository since it began.
    var isVerified = false

    struct Outcome: Sendable, Equatable {
        var isNew: Bool
        var snapshot: Int64
        var targetCount: Int
        /// Bytes of all targets; of those that were fetched.
        var bytes: UInt64
        var fetchedBytes: UInt64
    }

    /// Throws `MirrorTrouble`.
    func run() async throws(MirrorTrouble) -> Outcome? {
        do {
            return try await look()
        } catch {
            throw Task.isCancelled ? MirrorTrouble(CancellationError()) : MirrorTrouble(error)
        }
    }

    /// nil: nothing is newer.
    private func look() async throws -> Outcome? {
        try folder.prepare()
        let lock = try folder.lock()
        defer { lock.release() }
        let client = UpdateClient(
            cache: upstream.cache, metadataURL: upstream.metadataURL, upstream.transport, clock: clock)
        try begin(client)
        var trusted = try await client.refresh().metadata
        guard trusted.root.role.consistentSnapshot else {
            throw MirrorTrouble(
                "inconsistent", role: RoleName.root,
                "the upstream publishes without consistent snapshots, so that a mirror could hand out a mixture: ask its "
                    + "publisher for them")
        }
        let current = try folder.read("metadata/\(MirrorPlan.timestamp)")
        if isVerified, current == trusted.timestamp?.bytes { return nil }
        try await client.loadAll(&trusted)
        let present = try await read { [folder] in try folder.files() }
        let plan = try MirrorPlan(trusted, upstream.filter, present: present)
        try await fetch(plan)
        try Task.checkCancellation()
        try await completeRoots(trusted)
        try await publish(plan)
        return Outcome(
            isNew: current != trusted.timestamp?.bytes, snapshot: trusted.snapshot?.role.version ?? 0,
            targetCount: plan.targetCount, bytes: plan.bytes, fetchedBytes: plan.missingBytes)
    }

    /// Trusts the root that the operator gave, where none is trusted yet.
    private func begin(_ client: UpdateClient) throws {
        guard try !client.hasRoot() else { return }
        let root: [UInt8]
        do throws(FileFailure) {
            root = try DurableFiles.read(upstream.rootPath, upTo: client.limits.root)
        } catch {
            throw UpdateError(.missing, role: RoleName.root, "the trusted root of upstream.root: \(error)")
        }
        try UpdateClient.begin(upstream.cache, with: root)
    }

    private func fetch(_ plan: MirrorPlan) async throws {
        let missing = plan.missingBytes
        var fetched: UInt64 = 0
        for fetch in plan.fetches {
            try Task.checkCancellation()
            let name = "targets/\(fetch.path)"
            try folder.step?("fetch \(name)")
            try folder.makeFolder(of: name)
            let (before, progress) = (fetched, progress)
            try await TargetDownload(
                fetch.target, baseURL: upstream.targetsURL, consistentSnapshot: true, partialFolder: folder.staging
            ).run(to: "\(folder.path)/\(name)", upstream.transport, blocking: blocking) {
                progress(before + $0, missing, fetch.target.path)
            }
            fetched += fetch.target.length
        }
        for link in plan.links {
            try folder.makeFolder(of: "targets/\(link.to)")
            try folder.link("targets/\(link.from)", "targets/\(link.to)")
        }
    }

    /// Sees to it that the repository has every root from the oldest there is to the trusted one, each signed as the one
    /// before it says, so that whoever trusts an old root can follow.
    private func completeRoots(_ trusted: TrustedMetadata) async throws {
        var newer = trusted.root
        try folder.write("metadata/\(newer.role.version).root.json", newer.bytes)
        while newer.role.version > 1 {
            let name = "\(newer.role.version - 1).root.json"
            let bytes: [UInt8]
            let known = try folder.read("metadata/\(name)")
            if let known {
                bytes = known
            } else {
                do throws(TransportFailure) {
                    bytes = try await upstream.transport.fetch("\(upstream.metadataURL)/\(name)", upTo: 512_000)
                } catch {
                    // The publisher does not keep older ones: those who trust them cannot follow there either.
                    guard error.cause == .notFound || error.cause == .forbidden else {
                        throw UpdateError(.transport, role: RoleName.root, error.message, transport: error)
                    }
                    return
                }
            }
            // Only what leads to the trusted one is taken; nobody could follow anything else.
            guard let older = try? TrustedMetadata(root: bytes, now: clock()) else { return }
            var chain = older
            guard (try? chain.update(root: newer.bytes)) != nil else { return }
            if known == nil { try folder.write("metadata/\(name)", bytes) }
            newer = older.root
        }
    }

    private func publish(_ plan: MirrorPlan) async throws {
        try await read { [folder] in
            for file in plan.metadata { try folder.write("metadata/\(file.name)", file.bytes) }
        }
        try await collect(plan.keeps)
        try folder.emptyStaging()
    }

    /// Removes what has been out of use for the grace period.
    private func collect(_ keeps: Set<String>) async throws {
        try await read { [folder, grace, clock] in
            var retirement = Retirement(try folder.read(Self.retired) ?? [])
            let gone = retirement.collect(try folder.files().keys, keeping: keeps, now: clock(), grace: grace)
            // Written down first: what is gone and listed does no harm, and the other way round grace would begin anew.
            for name in gone { try folder.remove(name) }
            try folder.write(Self.retired, retirement.text)
        }
    }

    private static let retired = ".retired"

    private func read<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        let result = ResultBox<Value>()
        try await blocking { result.set(try body()) }
        return try result.get()
    }
}
