public import PluginKit

/// Answers requests with the files of one folder, read-only: RFC 9110 with ranges, validators and conditions.
///
/// A request for a file that was looked at, or looked for in vain, within the last second is answered on the loop, from
/// memory or from an open descriptor. Any other goes to the worker pool, once for all who ask for the same file at that
/// time. Any thread.
public final class FolderServer: RequestHandler {
    private let host: Host
    private let clock: Clock
    private let files: FileReader
    private let cache: RepresentationCache
    private let missing = MissingPaths()
    private let troubles: Troubles
    private let tally = AnswerTally()
    private let meter: (any AnswerMeter)?

    /// - Throws: `PluginError`, blaming the option, where the folder cannot be served.
    public convenience init(_ options: FolderOptions, host: Host) throws(PluginError) {
        try self.init(ServedFolder(options), host: host, clock: .system)
    }

    /// - Parameter meter: told how many bytes each answer has; nil: nobody is.
    /// - Throws: `PluginError`, blaming the option, where the folder cannot be served.
    public convenience init(
        _ folder: ServedFolder, meter: (any AnswerMeter)? = nil, host: Host
    ) throws(PluginError) {
        try self.init(folder, meter: meter, host: host, clock: .system)
    }

    /// - Parameter failure: for tests, see `Folder.failure`.
    init(
        _ folder: ServedFolder, meter: (any AnswerMeter)? = nil, host: Host, clock: Clock,
        failure: (@Sendable (String) -> CInt?)? = nil
    ) throws(PluginError) {
        self.host = host
        self.clock = clock
        self.meter = meter
        try folder.check()
        files = FileReader(
            folder: Folder(path: folder.path.string, failure: failure),
            smallFile: UInt64(folder.cache.smallFile.bytes),
            cacheControl: folder.cacheControl, clock: clock)
        cache = RepresentationCache(
            openFiles: folder.openFilesWithinLimit(host.log), memory: folder.cache.memory.bytes)
        troubles = Troubles(log: host.log)
    }

    /// What has been answered since it was made.
    public var counts: AnswerCounts { tally.counts }

    /// The folder has just changed: what was looked at before is looked at again, though it was within the last second.
    public func lookAgain() {
        cache.forgetLooks()
        missing.forget()
    }

    public func handle(_ request: borrowing Request, _ exchange: Exchange) { handle(request, exchange, client: 0) }

    /// The same, for a client that the meter knows by a number.
    public func handle(_ request: borrowing Request, _ exchange: Exchange, client: UInt64) {
        let method = request.method
        guard method == .get || method == .head else { return Answers.methodNotAllowed(exchange) }
        let path = request.path
        let conditions = Conditions(request)
        // A path without a percent sign is what it decodes to, and so may be looked up as it came.
        if path.firstIndex(of: UInt8(ascii: "%")) == nil, let found = cache.find(path, at: clock.steady()) {
            return answer(exchange, method, conditions, client, with: found)
        }
        switch TargetPath([UInt8](path)) {
        case .malformed: Answers.malformed(exchange)
        case .notServed:
            tally.count(.notFound)
            Answers.notFound(exchange)
        case .file(let path):
            look(
                path, path.bytes, 0, .init(exchange: exchange, method: method, conditions: conditions, client: client))
        }
    }

    /// Answers with another file of the folder than the path of the request names; from any thread, when it is known which.
    public func answer(
        _ request: FileRequest, _ exchange: Exchange, with alias: FileAlias, client: UInt64 = 0
    ) {
        guard request.method == .get || request.method == .head else { return Answers.methodNotAllowed(exchange) }
        guard case .file(let path) = TargetPath(alias.path) else {
            tally.count(.notFound)
            return Answers.notFound(exchange)
        }
        look(
            path, alias.key, alias.notModifiedBefore,
            .init(exchange: exchange, method: request.method, conditions: request.conditions, client: client))
    }

    /// Answers from what is known, or else when the file has been looked at.
    /// - Parameters:
    ///   - bytes: what it is known by.
    ///   - notModifiedBefore: seconds since 1970, see `FileAlias`.
    private func look(
        _ path: TargetPath.FilePath, _ bytes: [UInt8], _ notModifiedBefore: Int64,
        _ waiter: RepresentationCache.Waiter
    ) {
        let now = clock.steady()
        if missing.contains(bytes, at: now) {
            tally.count(.notFound)
            return Answers.notFound(waiter.exchange)
        }
        switch cache.find(bytes, at: now, else: waiter) {
        case .fresh(let found): answer(waiter.exchange, waiter.method, waiter.conditions, waiter.client, with: found)
        case .waits(mustLook: false): break
        case .waits(mustLook: true):
            do throws(WorkError) {
                try host.work { [self] in
                    finish(path, bytes, notModifiedBefore)
                } done: { [self] cancelled in
                    if cancelled { giveUp(bytes) }
                }
            } catch {
                giveUp(bytes)
            }
        }
    }

    private func giveUp(_ path: [UInt8]) {
        for waiter in cache.giveUp(path) {
            tally.count(.failed)
            Answers.busy(waiter.exchange)
        }
    }

    /// On the worker pool: looks at the file and answers all who wait for it.
    private func finish(_ path: TargetPath.FilePath, _ bytes: [UInt8], _ notModifiedBefore: Int64) {
        let (epoch, missingEpoch, now) = (cache.epoch, missing.epoch, clock.steady())
        let known = cache.known(bytes)
        let found: Representation
        do throws(SystemError) {
            found = try files.read(
                path, knownBy: bytes, notModifiedBefore: notModifiedBefore, known: known, epoch: epoch)
        } catch {
            let answer = troubles.answer(to: error, at: path.text)
            if answer == .busy { cache.closeOlderFiles() }
            if answer == .notFound { missing.add(bytes, at: now, since: missingEpoch) }
            for waiter in cache.finish(bytes, with: nil) {
                tally.count(answer == .notFound ? .notFound : .failed)
                answer.send(waiter.exchange)
            }
            return
        }
        // Before anybody can have read it.
        if found !== known { missing.forget() }
        for waiter in cache.finish(bytes, with: found) {
            answer(waiter.exchange, waiter.method, waiter.conditions, waiter.client, with: found)
        }
    }

    private func answer(
        _ exchange: Exchange, _ method: Method, _ conditions: Conditions?, _ client: UInt64,
        with found: Representation
    ) {
        guard let conditions else {
            tally.count(.whole)
            if let meter, method == .get { meter.count(found.state.size, client: client) }
            return found.answer(exchange)
        }
        let now = clock.wall() / 1_000_000_000
        if let meter, method == .get { meter.count(found.bodySize(conditions, now: now), client: client) }
        tally.count(found.answer(exchange, method, conditions, now: now, host: host))
    }
}
