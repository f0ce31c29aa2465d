internal import ControlProtocol
internal import Glibc
internal import Locks
internal import MusterABI
internal import Networking
internal import PluginManifest
internal import Synchronization

/// `muster.http-server/1` for one component: its C table, and the listeners it serves.
///
/// `serve` comes from the plugin in prepare. The worker then calls, on its control thread,
///
///     startAccepting ⇄ pauseAccepting ─► drain ─► stopCallbacks ─► (the plugin's stop)
///
/// and drops the extension after the plugin's destroy has returned. One `HTTPLoops` serves all components of a worker.
final class HTTPServerExtension: Sendable {
    /// Gives the bound sockets of a listener, whose ownership passes, and its credentials. What it throws is described to
    /// the plugin and the operator by its own words.
    typealias Obtain = (_ listener: String) throws -> HTTPGrant

    private struct Served {
        var plan: ListenerPlan
        var server: HTTPServer
    }

    let loops: HTTPLoops
    /// The table for `get_extension`; good until the extension is gone.
    var table: UnsafePointer<muster_http_server> { UnsafePointer(memory.table) }

    let component: String
    private let plans: [ListenerPlan]
    private let control: ControlSide
    private let memory: TableMemory
    private let served = Locked<[Served]>([])

    /// - Parameters:
    ///   - component: its name in the configuration, for messages and counters.
    ///   - loops: the worker's event loops.
    ///   - listeners: all listeners of the component, as configured.
    ///   - isPreparing: whether the component is in prepare; asked on the control thread.
    ///   - obtain: called on the control thread, from within `serve`; may block.
    init(
        component: String, loops: HTTPLoops, listeners: [ListenerPlan], isPreparing: @escaping () -> Bool,
        obtain: @escaping Obtain
    ) {
        self.component = component
        self.loops = loops
        plans = listeners
        control = ControlSide(isPreparing: isPreparing, obtain: obtain)
        memory = TableMemory()
        memory.table.initialize(to: Self.makeTable(context: Unmanaged.passUnretained(self).toOpaque()))
    }

    /// Lets connections in; repeatable.
    func startAccepting() { for served in listeners { served.server.startAccepting() } }

    /// Lets no further connection in; when it returns none can come. Repeatable.
    func pauseAccepting() { for served in listeners { served.server.pauseAccepting() } }

    /// Ends every connection after its next answer.
    /// - Parameters:
    ///   - deadline: CLOCK_MONOTONIC, nanoseconds.
    ///   - whenDone: called once, on any thread, when no connection is open.
    func drain(deadline: UInt64, whenDone: @escaping @Sendable () -> Void) {
        let listeners = listeners
        guard !listeners.isEmpty else { return whenDone() }
        let outstanding = Outstanding(listeners.count)
        for served in listeners {
            served.server.drain(deadline: deadline) { if outstanding.isLast() { whenDone() } }
        }
    }

    /// Closes every listener and connection. When it returns, no callback of the plugin runs or will come.
    /// Before the plugin's stop.
    func stopCallbacks() { for served in listeners { served.server.close() } }

    /// A listener whose socket was closed or shut down under it; nil: all is well. Any thread.
    var lostListener: String? { listeners.first { $0.server.hasLostSocket }?.plan.name }

    /// What each listener has done. Any thread.
    var activity: [ListenerActivity] {
        listeners.map { served in
            let activity = served.server.activity
            var report = ListenerActivity(component: component, listener: served.plan.name)
            report.connections = activity.connections
            report.exchanges = activity.exchanges
            report.acceptedConnections = activity.acceptedConnections
            report.requests = activity.requests
            report.responsesByClass = activity.responsesByClass
            report.receivedBytes = activity.receivedBytes
            report.sentBytes = activity.sentBytes
            report.fullHandshakes = activity.fullHandshakes
            report.resumedHandshakes = activity.resumedHandshakes
            report.failedHandshakes = activity.failedHandshakes
            report.durations.counts = activity.durations.counts
            report.durations.sum = activity.durations.sum
            return report
        }
    }

    /// A listener that is served; nil where the plugin has not asked for it.
    func served(_ name: String) -> (plan: ListenerPlan, server: HTTPServer)? {
        listeners.first { $0.plan.name == name }.map { ($0.plan, $0.server) }
    }

    private var listeners: [Served] { served.withLock { $0 } }

    // MARK: serve

    /// Why a listener is not served.
    struct Refusal: Error {
        var status: muster_status
        var reason: String
    }

    /// Begins to serve a listener. Control thread.
    func serve(_ name: String, handler: any HTTPHandler, limits: HTTPLimitRequest) throws(Refusal) {
        guard control.isPreparing() else {
            throw Refusal(status: MUSTER_WRONG_STATE, reason: "serve may be called during prepare only.")
        }
        guard let plan = plans.first(where: { $0.name == name }) else {
            let known = plans.map(\.name).joined(separator: ", ")
            throw Refusal(
                status: MUSTER_INVALID,
                reason: "The manifest declares no listener \"\(name)\"; it declares: \(known.isEmpty ? "none" : known)."
            )
        }
        guard !listeners.contains(where: { $0.plan.name == name }) else {
            throw Refusal(status: MUSTER_WRONG_STATE, reason: "The listener \"\(name)\" is served already.")
        }
        switch plan.transport {
        case .http, .https: break
        case .raw:
            throw Refusal(
                status: MUSTER_INVALID,
                reason: "The listener \"\(name)\" is declared as raw: open it with \(MUSTER_EXT_LISTENER) instead.")
        }
        let grant = try obtain(name)
        let tls: TLSContext?
        do throws(Refusal) {
            tls = try context(for: plan, grant.credentials)
        } catch {
            for descriptor in grant.descriptors { close(descriptor) }
            throw error
        }
        let server = HTTPServer(loops: loops, limits: limits.applied(to: plan), handler: handler, tls: tls)
        try adopt(grant.descriptors, of: name, by: server)
        served.withLock { $0.append(Served(plan: plan, server: server)) }
    }

    private func obtain(_ name: String) throws(Refusal) -> HTTPGrant {
        do {
            return try control.obtain(name)
        } catch {
            throw Refusal(status: MUSTER_FAILED, reason: "\(error)")
        }
    }

    private func adopt(_ descriptors: [CInt], of name: String, by server: HTTPServer) throws(Refusal) {
        var failure: (any Error)?
        // Each is handed over, also after a failure, so that none is left open.
        for descriptor in descriptors {
            do { try server.adopt(descriptor: descriptor) } catch { failure = failure ?? error }
        }
        if let failure {
            server.close()
            throw Refusal(
                status: MUSTER_FAILED,
                reason: "The sockets of listener \"\(name)\" of \(component) could not be used: \(failure).")
        }
    }
}

/// What is used on the control thread only.
private struct ControlSide: @unchecked Sendable {
    // Sendable: both are called from `serve` alone, which the ABI allows on the control thread alone.
    let isPreparing: () -> Bool
    let obtain: HTTPServerExtension.Obtain
}

/// The memory of the table, which lives as long as the extension.
private final class TableMemory: @unchecked Sendable {
    // Sendable: written once, before anyone else sees it.
    let table = UnsafeMutablePointer<muster_http_server>.allocate(capacity: 1)

    deinit { table.deallocate() }
}

/// Counts down to the last of several.
private final class Outstanding: Sendable {
    private let left: Atomic<Int>

    init(_ count: Int) { left = Atomic(count) }

    func isLast() -> Bool { left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 }
}
