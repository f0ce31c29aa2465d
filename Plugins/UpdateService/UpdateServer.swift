public import FileServing
public import PluginKit

/// Serves the repository to other distributors over TLS, and says how it is doing.
///
///     GET /v1/status      how it is doing, as JSON
///     GET /<path>         a file of the repository
///
/// What a request asks for below `/v1/` is the service's own, never a file.
public final class UpdateServer: Plugin, RequestHandler {
    public typealias Options = FolderOptions

    public static let listener = Listener.https(
        "updates", port: 443, help: "Hands the repository to other distributors.")

    public static let description = PluginDescription(
        id: "org.muster.update-service", name: "UpdateService", version: "0.1.0",
        summary: "Serves the repository of updates over TLS.", vendor: "Muster contributors", licence: "MIT",
        listeners: [listener], requires: [.work])

    private let host: Host
    private let files: FolderServer
    private let startedAt = SuspendingClock.now

    public init(options: Options, host: Host) throws {
        self.host = host
        files = try FolderServer(options, host: host)
    }

    public func prepare() throws { try host.serve(Self.listener, with: self) }

    public func handle(_ request: borrowing Request, _ exchange: Exchange) throws {
        guard request.path.hasPrefix("/v1/") else { return files.handle(request, exchange) }
        guard request.path == "/v1/status" else { return ServiceAnswers.notFound(exchange) }
        guard request.method == .get || request.method == .head else {
            return ServiceAnswers.methodNotAllowed(exchange)
        }
        let status = ServiceStatus(
            component: host.facts.component, version: Self.description.version, generation: host.facts.generation,
            uptimeSeconds: (SuspendingClock.now - startedAt).components.seconds, answers: files.counts)
        try ServiceAnswers.json(status, exchange)
    }
}
