import FileServing
import Fleet
import Locks
import PluginJSON
public import PluginKit
import UpdateFetching
import UpdateTrust

/// Mirrors a repository of updates, verified, and serves it to other distributors over TLS.
///
///     GET  /v1/status     how it is doing, as JSON
///     POST /v1/check      look at the upstream now: for the fleet's servers, distributors and operators
///     GET  /<path>        a file of the repository
///
/// What a request asks for below `/v1/` is the service's own, never a file.
public final class UpdateServer: Plugin, RequestHandler {
    public typealias Options = ServiceOptions

    public static let listener = Listener.https(
        "updates", port: 443, clientCertificate: .optional, help: "Hands the repository to other distributors.")

    static let published = Topic(UpdateTopic.published)

    public static let description = PluginDescription(
        id: "org.muster.update-service", name: "UpdateService", version: "0.2.0",
        summary: "Mirrors a repository of updates, verified, and serves it over TLS.", vendor: "Muster contributors",
        licence: "MIT", listeners: [listener],
        bus: [.publishes(published, help: "The repository has a new snapshot.")],
        requires: [.httpClient, .metrics, .state, .timer, .work])

    private let host: Host
    private let files: FolderServer
    private let repository: ServedRepository
    private let mirror: Mirror?
    private let upstreamURL: String?
    private let downstreams: Downstreams
    private let expiry: ExpiryWatch
    private let watch = Locked<Timer?>(nil)
    private let startedAt = SuspendingClock.now

    public init(options: Options, host: Host) throws {
        self.host = host
        let path = options.repository
        files = try FolderServer(
            ServedFolder(
                path, cacheControl: options.cacheControl, cache: options.cache,
                mayAppearLater: options.upstream.url != nil,
                blaming: (options.$repository, options.$cacheControl)), host: host)
        let metrics = try ServiceMetrics(host)
        repository = ServedRepository(path.string)
        let expiry = ExpiryWatch(repository, metrics: metrics, host: host)
        self.expiry = expiry
        let downstreams = Downstreams(
            options.downstreams.map(\.string), trust: TransportTrust(identity: options.identity), metrics: metrics,
            host: host)
        self.downstreams = downstreams
        upstreamURL = options.upstream.url?.string
        let files = files
        mirror = try Self.upstream(options, host).map { upstream in
            Mirror(
                upstream, folder: RepositoryFolder(path.string), grace: options.grace,
                schedule: Schedule(interval: options.upstream.interval, jitter: options.upstream.jitter),
                history: MirrorHistory(path: "\(try host.stateDirectory)/history.json"), metrics: metrics, host: host
            ) { outcome in
                // Before anybody is told, and comes for it.
                files.lookAgain()
                downstreams.tell(of: outcome.snapshot)
                let message = UpdatesPublished(snapshot: Int(outcome.snapshot), targets: outcome.targetCount)
                do {
                    try host.publish(Self.published, json: message)
                } catch {
                    host.log.debug("Nobody on this host was told of the publication.", ["reason": "\(error)"])
                }
                try? host.work { expiry.look() }
            }
        }
    }

    /// nil: there is none.
    private static func upstream(_ options: Options, _ host: Host) throws -> Upstream? {
        let upstream = options.upstream
        guard let url = upstream.url else {
            guard upstream.root == nil else {
                throw upstream.$url.error("upstream.root is given, and no upstream to begin with it: add upstream.url.")
            }
            return nil
        }
        guard let root = upstream.root else {
            throw upstream.$root.error(
                "It is needed with upstream.url: the root.json of the publisher, whom everything is checked against.")
        }
        let transport = try HostTransport(
            host,
            trust: TransportTrust(authority: upstream.authority, peer: upstream.peer, identity: upstream.identity),
            limits: .init(
                stallTimeout: upstream.stallTimeout,
                bandwidth: upstream.bandwidth.bytes > 0 ? UInt64(upstream.bandwidth.bytes) : nil))
        return Upstream(
            url: url.string, rootPath: root.string,
            cache: MetadataCache(folder: "\(try host.stateDirectory)/trust"), transport: transport,
            filter: TargetFilter(upstream.targets))
    }

    public func prepare() throws { try host.serve(Self.listener, with: self) }

    public func activate(state: [UInt8]) throws {
        downstreams.activate()
        mirror?.activate()
        let timer = try host.startTimer(after: .zero, every: ExpiryWatch.pause) { [expiry, host] in
            try host.work { expiry.look() }
        }
        watch.withLock { $0 = timer }
    }

    public func quiesce(deadline: SuspendingClock.Instant) throws {
        watch.withLock { $0.take() }?.cancel()
        downstreams.quiesce()
        mirror?.quiesce()
    }

    public func handle(_ request: borrowing Request, _ exchange: Exchange) throws {
        guard request.path.hasPrefix("/v1/") else { return files.handle(request, exchange) }
        if request.path == "/v1/status" {
            guard request.method == .get || request.method == .head else {
                return ServiceAnswers.methodNotAllowed(exchange, "GET, HEAD")
            }
            return answerStatus(exchange)
        }
        guard request.path == "/v1/check" else { return ServiceAnswers.notFound(exchange) }
        guard request.method == .post else { return ServiceAnswers.methodNotAllowed(exchange, "POST") }
        CheckDesk(mirror: mirror).answer(request.identity, exchange)
    }

    private func answerStatus(_ exchange: Exchange) {
        do throws(WorkError) {
            try host.work { [self] in
                ServiceAnswers.json(status(), .ok, exchange)
            } done: { cancelled in
                if cancelled { ServiceAnswers.busy(exchange) }
            }
        } catch {
            ServiceAnswers.busy(exchange)
        }
    }

    /// Blocks.
    private func status() -> ServiceStatus {
        var status = ServiceStatus(
            component: host.facts.component, version: Self.description.version, generation: host.facts.generation,
            uptimeSeconds: (SuspendingClock.now - startedAt).components.seconds, answers: files.counts,
            mode: mirror == nil ? "serving" : "mirroring", upstream: upstreamURL, mirror: mirror?.standing,
            downstreams: downstreams.standings)
        do throws(UpdateError) {
            status.tell(of: try repository.read(), now: .now())
        } catch {
            status.repositoryError = "\(error)."
        }
        return status
    }
}
