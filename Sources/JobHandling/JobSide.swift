import Fleet
public import PluginKit

/// What the handlers of jobs have in common, put together: their port, with the sides that the operator chose.
public final class JobSide: Sendable {
    private let host: Host
    private let listener: Listener
    private let desk: JobDesk?
    private let port: HandlerPort

    /// - Parameters:
    ///   - kind: `poll`: the jobs are at `/v1/polls`.
    ///   - identity: what doorbells are rung with; needed for the server's role.
    public init(
        kind: String, listener: Listener, roles: Set<HandlerRole>, identity: DialIdentity?, doorbellsPerSecond: Int,
        host: Host
    ) throws {
        self.host = host
        self.listener = listener
        if roles.contains(.server), let identity {
            let rounds = try DoorbellRounds(
                kind: kind, perSecond: doorbellsPerSecond, identity: identity, host: host)
            desk = JobDesk(kind: kind, host: host, rounds: rounds)
        } else {
            desk = nil
        }
        port = HandlerPort(
            base: "/v1/\(kind)s", desk: desk, doorbell: roles.contains(.client) ? DoorbellDesk(host) : nil)
    }

    /// What it does on the bus, whatever its roles.
    public static let busUses = JobDesk.busUses + DoorbellDesk.busUses

    public func prepare() throws {
        try host.serve(listener, with: port)
        try desk?.prepare()
    }

    public func activate() { desk?.activate() }
    public func quiesce() { desk?.quiesce() }
}
