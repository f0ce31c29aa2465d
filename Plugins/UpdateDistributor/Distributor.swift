public import PluginKit

/// Serves the files of one folder to workstations over plain HTTP: trust lies in the signatures of what is served.
///
/// A request for a file that was looked at within the last second is answered on the loop, from memory or from an open
/// descriptor. Any other goes to the worker pool, once for all who ask for the same file at that time.
public final class Distributor: Plugin, RequestHandler {
    public struct Options: OptionGroup {
        @Option(help: "The folder whose files are served; it must exist when the component starts.")
        var root: Path

        @Option(length: 0...200, help: "The Cache-Control field of every file, for caches on the way; empty: none.")
        var cacheControl = "no-cache"

        let cache = Cache()

        public init() {}
    }

    struct Cache: OptionGroup {
        @Option(in: 64...1_000_000, unit: "files", help: "How many files are kept open between requests.")
        var openFiles = 256

        @Option(in: .mebibytes(8)...ByteCount.gibibytes(64), help: "How much memory the contents of small files take.")
        var memory = ByteCount.mebibytes(64)

        @Option(in: .bytes(0)...ByteCount.kibibytes(512), help: "Files up to this size are kept in memory, not open.")
        var smallFile = ByteCount.kibibytes(64)
    }

    public static let listener = Listener.http("updates", port: 50003, help: "Hands files to workstations.")

    public static let description = PluginDescription(
        id: "org.muster.update-distributor", name: "UpdateDistributor", version: "0.1.0",
        summary: "Serves a folder of updates to workstations.", vendor: "Muster contributors", licence: "MIT",
        listeners: [listener], requires: [.work])

    private let host: Host
    private let clock: Clock
    private let files: FileReader
    private let cache: RepresentationCache
    private let troubles: Troubles

    public convenience init(options: Options, host: Host) throws {
        try self.init(options: options, host: host, clock: .system)
    }

    /// - Parameter failure: for tests, see `Folder.failure`.
    init(
        options: Options, host: Host, clock: Clock, failure: (@Sendable (String) -> CInt?)? = nil
    ) throws {
        self.host = host
        self.clock = clock
        try options.check()
        files = FileReader(
            folder: Folder(path: options.root.string, failure: failure),
            smallFile: UInt64(options.cache.smallFile.bytes),
            cacheControl: options.cacheControl, clock: clock)
        cache = RepresentationCache(
            openFiles: options.openFilesWithinLimit(host.log), memory: options.cache.memory.bytes)
        troubles = Troubles(log: host.log)
    }

    public func prepare() throws { try host.serve(Self.listener, with: self) }

    public func handle(_ request: borrowing Request, _ exchange: Exchange) {
        let method = request.method
        guard method == .get || method == .head else { return Answers.methodNotAllowed(exchange) }
        let path = request.path
        let conditions = Conditions(request)
        // A path without a percent sign is what it decodes to, and so may be looked up as it came.
        if path.firstIndex(of: UInt8(ascii: "%")) == nil, let found = cache.find(path, at: clock.steady()) {
            return answer(exchange, method, conditions, with: found)
        }
        switch TargetPath([UInt8](path)) {
        case .malformed: Answers.malformed(exchange)
        case .notServed: Answers.notFound(exchange)
        case .file(let path): look(path, .init(exchange: exchange, method: method, conditions: conditions))
        }
    }

    /// Answers from what is known, or else when the file has been looked at.
    private func look(_ path: TargetPath.FilePath, _ waiter: RepresentationCache.Waiter) {
        let bytes = path.bytes
        switch cache.find(bytes, at: clock.steady(), else: waiter) {
        case .fresh(let found): answer(waiter.exchange, waiter.method, waiter.conditions, with: found)
        case .waits(mustLook: false): break
        case .waits(mustLook: true):
            do throws(WorkError) {
                try host.work { [self] in
                    finish(path, bytes)
                } done: { [self] cancelled in
                    if cancelled { for waiter in cache.giveUp(bytes) { Answers.busy(waiter.exchange) } }
                }
            } catch {
                for waiter in cache.giveUp(bytes) { Answers.busy(waiter.exchange) }
            }
        }
    }

    /// On the worker pool: looks at the file and answers all who wait for it.
    private func finish(_ path: TargetPath.FilePath, _ bytes: [UInt8]) {
        let found: Representation
        do throws(SystemError) {
            found = try files.read(path, known: cache.known(bytes))
        } catch {
            let answer = troubles.answer(to: error, at: path.text)
            if answer == .busy { cache.closeOlderFiles() }
            for waiter in cache.finish(bytes, with: nil) { answer.send(waiter.exchange) }
            return
        }
        for waiter in cache.finish(bytes, with: found) {
            answer(waiter.exchange, waiter.method, waiter.conditions, with: found)
        }
    }

    private func answer(
        _ exchange: Exchange, _ method: Method, _ conditions: Conditions?, with found: Representation
    ) {
        guard let conditions else { return found.answer(exchange) }
        found.answer(exchange, method, conditions, now: clock.wall() / 1_000_000_000, host: host)
    }
}
