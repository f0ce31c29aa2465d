internal import ControlProtocol
internal import MusterABI

/// The event loops of a worker and what serves HTTP on them. A protocol, so that the lifecycle is tested without them.
protocol HTTPEngine: Sendable {
    var loopCount: Int { get }
    /// When the loop that ticked longest ago did (CLOCK_MONOTONIC, nanoseconds). [any thread]
    var oldestTick: UInt64 { get }
    /// The longest a loop was late since the last call, nanoseconds. [any thread]
    func takeMaximumLag() -> UInt64
    /// Makes the server of one component. `isPreparing` and `obtain` are called on the control thread, from within the
    /// plugin's prepare; the descriptors of what `obtain` returns are the server's.
    func makeServer(
        component: String, listeners: [ListenerPlan], isPreparing: @escaping () -> Bool,
        obtain: @escaping (_ listener: String) throws -> HTTPGrant
    ) -> any HTTPServing
}

/// What the supervisor gave for a listener.
struct HTTPGrant {
    /// Bound sockets, the taker's to close.
    var descriptors: [CInt]
    /// Where the listener is https.
    var credentials: TLSCredentials?
}

/// `muster.http-server/1` of one component. All but `activity` and `lostListener` on the control thread.
protocol HTTPServing: AnyObject, Sendable {
    /// Stable until the object goes.
    var table: UnsafePointer<muster_http_server> { get }
    var activity: [ListenerActivity] { get }
    /// A listener whose socket was closed or shut down under it; nil: all is well.
    var lostListener: String? { get }
    /// Serves new connections of an https listener with these. A sentence where they cannot be used: then it goes on with
    /// those it has.
    func replaceCredentials(of listener: String, with credentials: TLSCredentials) throws(ListenerRefusal)
    /// Repeatable; may block for a moment.
    func startAccepting()
    /// Repeatable; returns when no accept can happen any more.
    func pauseAccepting()
    /// Ends each connection after its next answer. `whenDone` is called once, from any thread, when none is left or at
    /// `deadline` (CLOCK_MONOTONIC, nanoseconds).
    func drain(deadline: UInt64, whenDone: @escaping @Sendable () -> Void)
    /// After it, no callback of the plugin's is called any more.
    func stopCallbacks()
}
