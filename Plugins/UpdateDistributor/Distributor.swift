import FileServing
import Fleet
import Locks
public import PluginKit
import UpdateTrust

/// Serves a repository of updates to workstations over plain HTTP: trust lies in the signatures of what is served.
///
///     GET /metadata/…, /targets/…   the repository, for clients of The Update Framework
///     GET /files/<target path>      a target as it is now, for everybody else's clients
///     GET /v1/status                how it is doing, as JSON
public final class Distributor: Plugin, RequestHandler {
    public typealias Options = DistributorOptions

    public static let listener = Listener.http("updates", port: 50003, help: "Hands updates to workstations.")

    static let published = Topic(UpdateTopic.published)

    public static let description = PluginDescription(
        id: "org.muster.update-distributor", name: "UpdateDistributor", version: "0.2.0",
        summary: "Serves a repository of updates to workstations.", vendor: "Muster contributors", licence: "MIT",
        listeners: [listener],
        bus: [.subscribes(published, help: "Looks at the repository at once when it has a new snapshot.")],
        requires: [.state, .timer, .work])

    private let host: Host
    private let files: FolderServer
    private let index: FilesIndex
    private let counts: VersionCounts
    /// nil: nobody is limited.
    private let fairness: Fairness?
    private let timer = Locked<Timer?>(nil)
    private let startedAt = SuspendingClock.now

    private static let savePause = Duration.seconds(60)

    public init(options: Options, host: Host) throws {
        self.host = host
        let limits = options.limits
        let rates = Fairness.Rates(
            clientRequests: Int64(limits.perClient.requests), clientBytes: Int64(limits.perClient.bytes.bytes),
            totalBytes: Int64(limits.total.bytes.bytes))
        fairness = rates.isNone ? nil : Fairness(rates)
        files = try FolderServer(
            ServedFolder(
                options.repository, cacheControl: options.cacheControl, cache: options.cache, mayAppearLater: true,
                blaming: (options.$repository, options.$cacheControl)), meter: fairness, host: host)
        let state = try host.stateDirectory
        index = FilesIndex(
            options.repository.string, memory: IndexMemory(path: "\(state)/files.json"), log: host.log)
        counts = VersionCounts(path: "\(state)/versions.json")
    }

    public func prepare() throws {
        try host.serve(Self.listener, with: self)
        try host.subscribe(Self.published) { [index, files] _ in
            index.forget()
            files.lookAgain()
        }
    }

    public func activate(state: [UInt8]) throws {
        counts.load()
        try host.work { [index] in index.look() }
        let timer = try host.startTimer(after: Self.savePause, every: Self.savePause) { [counts, host] in
            try host.work { counts.save() }
        }
        self.timer.withLock { $0 = timer }
    }

    public func release() throws -> [UInt8] {
        timer.withLock { $0.take() }?.cancel()
        counts.save()
        return []
    }

    public func handle(_ request: borrowing Request, _ exchange: Exchange) throws {
        var client: UInt64 = 0
        if let fairness {
            client = ClientNumber.of(request.peer)
            let isOwnStatus = request.path == "/v1/status" && ClientNumber.isLoopback(request.peer)
            if !isOwnStatus, let seconds = fairness.admit(client) {
                return DistributorAnswers.comeAgain(exchange, in: seconds)
            }
        }
        // Found once: the end of the path is looked for each time.
        let path = request.path
        if path.hasPrefix("/files/") { return answerPlain(request, exchange, client) }
        if path.hasPrefix("/v1/") { return answerOwn(request, exchange) }
        if let version = VersionCounts.snapshot(path), request.method == .get,
            version <= index.content?.repository.snapshot.version ?? 0
        {
            counts.count(version, by: request.peer)
        }
        files.handle(request, exchange, client: client)
    }

    private func answerPlain(_ request: borrowing Request, _ exchange: Exchange, _ client: UInt64) {
        guard request.method == .get || request.method == .head else {
            return DistributorAnswers.methodNotAllowed(exchange)
        }
        guard let path = PlainPath.decoded([UInt8](request.path)) else { return DistributorAnswers.notFound(exchange) }
        let kept = FileRequest(request)
        index.whenFresh(host) { [index, files] in
            guard let entry = index.content?.entries[path] else { return DistributorAnswers.notFound(exchange) }
            files.answer(kept, exchange, with: PlainPath.alias(path, entry), client: client)
        }
    }

    private func answerOwn(_ request: borrowing Request, _ exchange: Exchange) {
        guard request.path == "/v1/status" else { return DistributorAnswers.notFound(exchange) }
        guard request.method == .get || request.method == .head else {
            return DistributorAnswers.methodNotAllowed(exchange)
        }
        index.whenFresh(host) { [self] in status().answer(exchange) }
    }

    private func status() -> DistributorStatus {
        let repository = index.content?.repository
        let expires = repository?.roles.map(\.expires).min()
        return DistributorStatus(
            component: host.facts.component, version: Self.description.version, generation: host.facts.generation,
            uptimeSeconds: (SuspendingClock.now - startedAt).components.seconds, answers: files.counts,
            refused: fairness?.refused ?? 0, snapshot: repository?.snapshot.version, expires: expires.map { "\($0)" },
            secondsLeft: expires.map { $0.seconds - MetadataTime.now().seconds }, targets: repository?.targets.count,
            repositoryError: index.trouble, versions: counts.rows)
    }
}
