internal import CCurl
import Locks
import Synchronization

/// Fetches over HTTP: any number of transfers on one thread, over libcurl.
///
///     start ─► waiting ─► running ─► ended        a redirect, or a kept connection that is not ours, runs again
///                 └── cancel, close ──► ended
///
/// `run` is the thread's whole life; all else may be called from any thread.
public final class HTTPClient: @unchecked Sendable {
    // Sendable: `shared` is behind a lock, `multi` is woken from any thread and used otherwise by `run` alone, and so is
    // `turn`.

    public struct Limits: Sendable {
        /// Transfers at a time, paused ones included.
        public var running = 64
        /// Transfers that wait for their turn.
        public var waiting = 1024
        /// Connections kept open for the next request.
        public var keptConnections = 32

        public init() {}
    }

    /// Why nothing was started.
    public enum Failure: Error, Sendable, Equatable {
        /// The request is wrong.
        case refused(HTTPClientRefusal)
        /// As many wait as may.
        case busy
        case closed
    }

    /// What other threads ask of the client's.
    enum Command {
        case start(HTTPTransfer)
        /// Cancelled, or to be resumed: look at it.
        case look(UInt64)
    }

    struct Shared {
        var commands: [Command] = []
        var live: [UInt64: HTTPTransfer] = [:]
        var nextID: UInt64 = 1
        var isClosed = false
        /// Read lately, the last one at the end.
        var trusts: [ClientTrust] = []
    }

    let limits: Limits
    let userAgent: String
    /// Whether connections are kept apart by what `CURLOPT_CAPATH` says; false only to show that the check before each
    /// request holds without it.
    let separatesConnections: Bool
    let multi: UnsafeMutableRawPointer
    /// TLS sessions to resume, by what keeps connections apart. Used by `run` alone, as transfers are.
    let sessions: UnsafeMutableRawPointer
    let shared = Locked(Shared())
    /// Used by `run` alone.
    var turn = Turn()

    /// What is needed to be told that libcurl is not there: the reason, with what to install.
    public static var unavailability: String? {
        ccurl_load().map { reason in
            "libcurl cannot be loaded (\(String(cString: reason))): install the package libcurl4"
        }
    }

    /// - Returns: nil where libcurl is not there or gives no handle.
    public convenience init?(userAgent: String, limits: Limits = Limits()) {
        self.init(userAgent: userAgent, limits: limits, separatesConnections: true)
    }

    init?(userAgent: String, limits: Limits, separatesConnections: Bool) {
        guard ccurl_load() == nil, let multi = ccurl_multi_make() else { return nil }
        guard let sessions = ccurl_share_sessions() else {
            ccurl_multi_free(multi)
            return nil
        }
        self.limits = limits
        self.userAgent = userAgent
        self.separatesConnections = separatesConnections
        self.multi = multi
        self.sessions = sessions
        _ = ccurl_multi_set_number(multi, CURLMOPT_MAXCONNECTS, limits.keptConnections)
        // One request at a time on a connection, so that a check before each is a check of each.
        _ = ccurl_multi_set_number(multi, CURLMOPT_PIPELINING, Int(CURLPIPE_NOTHING))
    }

    deinit {
        ccurl_multi_free(multi)
        ccurl_share_free(sessions)
    }

    /// Starts a transfer.
    /// - Parameters:
    ///   - tls: required for https, and nil for http. Its texts are read before this returns.
    ///   - isStarted: called with the transfer's number before anything is called for it.
    @discardableResult
    public func start(
        _ request: HTTPClientRequest, _ tls: HTTPClientTLS?, _ handler: any HTTPClientHandler,
        isStarted: (UInt64) -> Void = { _ in }
    ) throws(Failure) -> UInt64 {
        let checked: CheckedRequest
        do throws(HTTPClientRefusal) {
            let trust: ClientTrust? = if let tls, !tls.isEmpty { try self.trust(tls) } else { nil }
            checked = try CheckedRequest(request, trust: trust)
        } catch {
            throw .refused(error)
        }
        let result: Result<UInt64, Failure> = shared.withLock { shared in
            if shared.isClosed { return .failure(.closed) }
            guard shared.live.count < limits.running + limits.waiting else { return .failure(.busy) }
            let transfer = HTTPTransfer(id: shared.nextID, checked, handler)
            shared.nextID += 1
            shared.live[transfer.id] = transfer
            isStarted(transfer.id)
            shared.commands.append(.start(transfer))
            return .success(transfer.id)
        }
        let id = try result.get()
        ccurl_multi_wake(multi)
        return id
    }

    /// Ends a transfer soon; false where it has ended.
    public func cancel(_ id: UInt64) -> Bool { change(id) { $0.isCancelled.store(true, ordering: .relaxed) } }

    /// Stops a transfer's body; false where it has ended.
    public func pause(_ id: UInt64) -> Bool {
        shared.withLock { shared in
            shared.live[id]?.isPaused.store(true, ordering: .relaxed)
            return shared.live[id] != nil
        }
    }

    /// Lets it come again; false where it has ended.
    public func resume(_ id: UInt64) -> Bool { change(id) { $0.isPaused.store(false, ordering: .relaxed) } }

    /// Cancels everything and takes no more; `run` returns when every onEnd has.
    public func close() {
        shared.withLock { $0.isClosed = true }
        ccurl_multi_wake(multi)
    }

    private func change(_ id: UInt64, _ change: (HTTPTransfer) -> Void) -> Bool {
        let isThere = shared.withLock { shared in
            guard let transfer = shared.live[id] else { return false }
            change(transfer)
            shared.commands.append(.look(id))
            return true
        }
        if isThere { ccurl_multi_wake(multi) }
        return isThere
    }

    /// What was made of these texts before, or is made now: reading an authority's certificates takes time.
    private func trust(_ tls: HTTPClientTLS) throws(HTTPClientRefusal) -> ClientTrust {
        let id = ClientTrust.digest(tls)
        let known = shared.withLock { shared -> ClientTrust? in
            guard let index = shared.trusts.firstIndex(where: { $0.id == id }) else { return nil }
            let trust = shared.trusts.remove(at: index)
            shared.trusts.append(trust)
            return trust
        }
        if let known { return known }
        let trust = try ClientTrust(tls)
        shared.withLock { shared in
            shared.trusts.append(trust)
            if shared.trusts.count > 8 { shared.trusts.removeFirst() }
        }
        return trust
    }
}
