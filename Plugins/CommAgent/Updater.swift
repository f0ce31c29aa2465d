import Fleet
import PluginKit
import UpdateFetching
import UpdateTrust

/// Looks for updates and brings them into use: the main path of CommAgent. One check at a time.
actor Updater {
    struct Settings: Sendable {
        var distributors: [String] = []
        var companyServer: String?
        /// Where what is remembered is.
        var stateFolder: String
        var limits = UpdateOffer.Limits()
        var installer = FileInstaller()
    }

    /// How a check ended.
    enum Outcome: Hashable, Sendable {
        case done
        /// What there is was taken, and no distributor has the snapshot yet that there should be.
        case behind
        /// Somebody has to be waited for.
        case waiting
        case failed
        /// The component stops.
        case stopped
    }

    let store: DefinitionsStore
    let cache: MetadataCache
    private let settings: Settings
    private let transport: any UpdateTransport
    private let surroundings: any Surroundings
    private let apply: Staging.Apply
    private let reached: @Sendable (String) throws(UpdateError) -> Void
    private let clock: @Sendable () -> MetadataTime
    private var record = AgentRecord()
    private var choice: DistributorChoice
    private var state = "idle"

    init(
        _ settings: Settings, store: DefinitionsStore, transport: any UpdateTransport,
        surroundings: any Surroundings,
        apply: @escaping Staging.Apply,
        reached: @escaping @Sendable (String) throws(UpdateError) -> Void = { _ throws(UpdateError) in },
        clock: @escaping @Sendable () -> MetadataTime = { .now() }
    ) {
        self.settings = settings
        self.store = store
        self.transport = transport
        self.surroundings = surroundings
        self.apply = apply
        self.reached = reached
        self.clock = clock
        cache = MetadataCache(folder: settings.stateFolder + "/trust")
        choice = DistributorChoice(distributors: [], companyServer: nil, seed: 0)
    }

    // MARK: The main path

    /// Takes up what an earlier process left: the record, and the vendor's root where none is trusted yet.
    func begin(root: [UInt8]) async throws(UpdateError) {
        let (cache, path) = (cache, recordPath)
        let found = try await surroundings.storing { [store] in
            if try UpdateClient(cache: cache, metadataURL: "", Nowhere()).hasRoot() == false {
                try UpdateClient.begin(cache, with: root)
            }
            try store.prepare()
            // One of which nothing is known, or that cannot be read, is no reason to do anything but begin one.
            return AgentRecord.read(path)
        }
        record = found ?? AgentRecord()
        choice = DistributorChoice(
            distributors: settings.distributors, companyServer: settings.companyServer, seed: record.seed)
        await keep()
        // A process may have ended between the switch and its announcement.
        await notice()
    }

    /// Asks one distributor after the other until one had what is needed.
    /// - Parameter wanted: the snapshot that there should be: one that has only older ones is not the last to be asked.
    func check(wanting wanted: Int? = nil) async -> Outcome {
        record.lastCheck = .now()
        let update: DefinitionsStore.Update
        do throws(UpdateError) {
            update = try await surroundings.storing { [store] in try store.beginUpdate() }
        } catch {
            if error.transport?.cause == .cancelled { return await end(.stopped) }
            record.fail(error, at: .now())
            // The component's former generation, whose work is not at its end yet.
            return await end(error.cause == .locked ? .waiting : .failed)
        }
        defer { update.release() }
        return await end(await askAll(wanting: wanted))
    }

    private func askAll(wanting wanted: Int?) async -> Outcome {
        var worst: UpdateError?
        var isBehind = false
        for url in choice.turns(at: .now) {
            state = "checking"
            record.source = url
            do throws(UpdateError) {
                let outcome = try await check(at: url)
                choice.succeeded(url)
                guard outcome == .done, let wanted, record.snapshot ?? 0 < wanted else { return outcome }
                isBehind = true
            } catch {
                if error.transport?.cause == .cancelled { return .stopped }
                let isOfDistributor = Self.isOfDistributor(error)
                surroundings.say(
                    .warning,
                    isOfDistributor ? "A distributor did not give what is needed." : "An update could not be taken.",
                    ["url": url, "reason": "\(error)"])
                // What was found wrong says more than that another could not be reached.
                if worst?.isOfTransport ?? true { worst = error }
                guard isOfDistributor else { break }
                choice.failed(url, at: .now, retryAfter: error.transport?.retryAfter)
            }
        }
        // One that was behind had something at least, and what it has is in use.
        if isBehind { return .behind }
        if let worst { record.fail(worst, at: .now()) }
        if worst?.systemError == Self.diskFull { await makeRoom() }
        return .failed
    }

    private func check(at url: String) async throws(UpdateError) -> Outcome {
        let client = UpdateClient(cache: cache, metadataURL: url + "/metadata", transport, clock: clock)
        let refreshed = try await client.refresh()
        try reached("refreshed")
        let offer = try await UpdateOffer.read(client, refreshed.metadata, limits: settings.limits)
        let outcome = try await bringIn(offer, url)
        if outcome == .done { record.snapshot = Int(offer.snapshot) }
        let trouble = try await install(offer, url)
        guard outcome == .done else { return outcome }
        if let trouble {
            record.fail(trouble, at: .now())
            return .failed
        }
        return .done
    }

    /// Definitions: staged, tested, switched to.
    private func bringIn(_ offer: UpdateOffer, _ url: String) async throws(UpdateError) -> Outcome {
        let known = try await surroundings.storing { [store] in
            (current: try store.currentSet(), rolledBack: try store.rolledBack())
        }
        switch Activation.decision(
            offered: offer.identity, isEmpty: offer.set.isEmpty, current: known.current?.identity,
            rolledBack: known.rolledBack, rejected: record.rejected(offer.identity))
        {
        case .current, .none:
            record.succeed(at: .now())
            return .done
        case .leave(let reason):
            // Not a failure of this check, and yet not what the vendor wants this machine to have.
            record.fail(record.rejected(offer.identity) == nil ? "rolled_back" : "rejected", reason, at: .now())
            return .done
        case .activate: break
        }
        state = "fetching"
        let (set, traffic) = try await staged(offer, url)
        record.deltaBytes += Int(clamping: traffic.delta)
        record.fullBytes += Int(clamping: traffic.full)
        state = "activating"
        let verdict = await surroundings.test(store.path(of: set))
        try reached("tested")
        switch Activation.step(
            after: verdict, version: set.version, isNamed: offer.namesVersion, losses: record.losses[set.identity] ?? 0)
        {
        case .switchOver:
            try await switchOver(to: set, verdict, traffic)
            record.succeed(at: .now())
            return .done
        case .reject(let reason):
            await reject(set, reason)
            return .done
        case .wait(let reason):
            if case .lost = verdict { record.losses[set.identity, default: 0] += 1 }
            record.fail("waiting", reason, at: .now())
            return .waiting
        }
    }

    /// The set as it was put in place before, where all of it is still so; else made.
    private func staged(
        _ offer: UpdateOffer, _ url: String
    ) async throws(UpdateError) -> (DefinitionsSet, Staging.Traffic) {
        let there = try await surroundings.storing { [store] () -> DefinitionsSet? in
            guard let set = try store.set(ofIdentity: offer.identity) else { return nil }
            let isWhole = offer.set.allSatisfy { target in
                TargetDownload(target, baseURL: "", consistentSnapshot: true, partialFolder: "")
                    .matches("\(store.path(of: set))/\(UpdateOffer.name(of: target))")
            }
            return isWhole ? set : nil
        }
        if let there { return (there, Staging.Traffic()) }
        return try await Staging(
            offer: offer, store: store, targetsURL: url + "/targets", transport: transport,
            surroundings: surroundings, apply: apply, progress: progress(), reached: reached
        ).make()
    }

    /// For one transfer, whose ten seconds begin now.
    private func progress() -> TransferProgress {
        TransferProgress { [surroundings] in surroundings.say(.info, "An update is being fetched.", $0) }
    }

    private func switchOver(
        to set: DefinitionsSet, _ verdict: Activation.Verdict, _ traffic: Staging.Traffic
    ) async throws(UpdateError) {
        try await surroundings.storing { [store] in
            try store.activate(set)
            try store.collectGarbage()
        }
        if case .passed(let result) = verdict { record.signatures[set.identity] = result.signatures }
        surroundings.say(
            .notice,
            AgentWords.activated(set, signatures: record.signatures[set.identity] ?? 0, traffic),
            ["folder": store.path(of: set)])
        announce(set)
    }

    private func reject(_ set: DefinitionsSet, _ reason: String) async {
        record.reject(set, reason, at: .now())
        record.fail("rejected", "Definitions \(set.version) were rejected: \(reason)", at: .now())
        await keep()
        surroundings.say(
            .error, "Definitions \(set.version) are rejected, and the former ones stay in use.", ["reason": reason])
        surroundings.announce(.rejected(DefinitionsRejected(version: set.version, reason: reason)))
        _ = try? await surroundings.storing { [store] in try store.collectGarbage() }
    }

    /// Other files. Answers the first trouble; one file's does not keep the others.
    private func install(_ offer: UpdateOffer, _ url: String) async throws(UpdateError) -> UpdateError? {
        var first: UpdateError?
        for target in offer.files {
            do throws(UpdateError) {
                try await install(target, offer, url)
            } catch {
                if error.isOfTransport || error.cause == .missing { throw error }
                surroundings.say(.error, "A file is not installed.", ["target": target.path, "reason": "\(error)"])
                if first == nil { first = error }
            }
        }
        return first
    }

    private func install(_ target: TargetFile, _ offer: UpdateOffer, _ url: String) async throws(UpdateError) {
        let installer = settings.installer
        guard let place = try installer.place(of: target) else { return }
        guard target.length <= settings.limits.fileSize else {
            throw UpdateError(
                .tooLarge,
                "'\(target.path)' is larger than the \(settings.limits.fileSize) bytes of a file that is taken")
        }
        let download = TargetDownload(
            target, baseURL: url + "/targets", consistentSnapshot: offer.consistentSnapshot,
            partialFolder: "\(store.staging)/\(Staging.partial)")
        if try await surroundings.storing({ try installer.has(download, at: place) }) { return }
        let staged = "\(store.staging)/\(target.hashes.prefix ?? "").file"
        try await download.run(to: staged, transport, blocking: surroundings.blocking) { [progress = progress()] in
            progress.tell($0, of: target.length, target.path)
        }
        try reached("fetched file")
        try await surroundings.storing { [store] in
            try installer.put(staged, at: place)
            try store.remove(staged)
        }
        record.fullBytes += Int(clamping: target.length)
        surroundings.say(.notice, "A file is installed.", ["target": target.path, "file": place.path])
    }

    // MARK: The rest

    /// Sees whether somebody has switched to another set: `muster definitions rollback`.
    func notice() async {
        guard state == "idle" || state == "waiting",
            let set = try? await surroundings.storing({ [store] in try store.currentSet() }),
            set.identity != record.announced
        else { return }
        surroundings.say(.notice, "Definitions \(set.version) are in use since this machine was last told of any.", [:])
        announce(set)
        await keep()
    }

    func standing() async -> UpdateStanding {
        let sets = try? await surroundings.storing { [store] in
            (current: try store.currentSet(), previous: try store.previousSet())
        }
        return UpdateStanding(
            state: state, snapshot: record.snapshot, definitions: sets?.current?.version,
            previous: sets?.previous?.version, source: record.source, lastCheck: record.lastCheck,
            lastSuccess: record.lastSuccess, error: record.trouble, deltaBytes: record.deltaBytes,
            fullBytes: record.fullBytes)
    }

    var snapshot: Int? { record.snapshot }

    private func announce(_ set: DefinitionsSet) {
        record.announced = set.identity
        surroundings.announce(
            .activated(
                DefinitionsActivated(
                    version: set.version, folder: store.path(of: set),
                    signatures: record.signatures[set.identity] ?? 0)))
    }

    private func end(_ outcome: Outcome) async -> Outcome {
        state = outcome == .waiting ? "waiting" : "idle"
        await keep()
        return outcome
    }

    private var recordPath: String { settings.stateFolder + "/updates.json" }

    /// Writes down what is remembered, and, for people and programs, how things stand.
    private func keep() async {
        let (record, path, status) = (record, recordPath, store.folder + "/status.json")
        let standing = await standing()
        do throws(UpdateError) {
            try await surroundings.storing {
                try record.write(to: path)
                try AgentRecord.write(standing, to: status)
            }
        } catch {
            surroundings.say(.warning, "How updates stand could not be written down.", ["reason": "\(error)"])
        }
    }

    /// What is half done can be fetched again; a full disk hurts everybody on the machine.
    private func makeRoom() async { _ = try? await surroundings.storing { [store] in try store.collectGarbage() } }

    /// errno for a full disk, ENOSPC.
    private static let diskFull: Int32 = 28

    /// Whether another distributor may do better.
    private static func isOfDistributor(_ error: UpdateError) -> Bool {
        switch error.cause {
        case .storage, .locked, .clock, .unsafePath, .tooMany, .noTarget: false
        case .tooLarge: error.transport != nil
        case .malformed, .unsigned, .rollback, .expired, .mismatch, .missing, .transport: true
        }
    }
}

/// For a client that makes no request.
private struct Nowhere: UpdateTransport {
    func fetch(_ url: String, upTo limit: Int) async throws(TransportFailure) -> [UInt8] {
        throw TransportFailure(.unreachable, "nobody is asked")
    }

    func download(
        _ url: String, to file: Int32, from offset: UInt64, upTo limit: UInt64,
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws(TransportFailure) { throw TransportFailure(.unreachable, "nobody is asked") }
}
