import Fleet
import JobHandling
public import PluginKit
import PluginJSON

/// Polls workstations for their status.
///
/// On the company server administrators order polls at `/v1/polls`; on a workstation the doorbell is heard, and this
/// machine's status is collected: for polls (`job.poll`), and for heartbeats (`client.status`).
public final class PollHandler: Plugin {
    public typealias Options = PollOptions

    public static let listener = Listener.https(
        "polls", port: 50002, clientCertificate: .required, help: "Takes orders for polls, and rings of the doorbell.")

    static let statusService = Service(FleetService.clientStatus)

    public static let description = PluginDescription(
        id: "org.muster.poll-handler", name: "PollHandler", version: "0.1.0",
        summary: "Polls workstations for their status.", vendor: "Muster contributors", licence: "MIT",
        listeners: [listener],
        bus: JobSide.busUses + WorkDesk.busUses(kind: "poll", help: "Answers a poll with this machine's status.")
            + [.serves(statusService, help: "Says how this machine is.")] + StatusCollector.busUses,
        requires: [.metrics, .state, .timer, .work])

    private let host: Host
    private let side: JobSide
    private let desk: WorkDesk?
    private let collector: StatusCollector

    public init(options: Options, host: Host) throws {
        self.host = host
        let roles = Set(options.roles)
        guard !roles.contains(.server) || options.identity != nil else {
            throw options.$identity.error("The role 'server' needs it: the folder that 'muster fleet init' has made.")
        }
        side = try JobSide(
            kind: "poll", listener: Self.listener, roles: roles,
            identity: options.identity.map { DialIdentity(folder: $0) }, doorbellsPerSecond: options.doorbellsPerSecond,
            host: host)
        let state = try host.stateDirectory.string
        let collector = StatusCollector(host, disks: ["/", state])
        self.collector = collector
        desk =
            roles.contains(.client)
            ? WorkDesk(kind: "poll", folder: state + "/finished", host: host) { _, _ in await collector.poll() } : nil
    }

    public func prepare() throws {
        try side.prepare()
        guard let desk else { return }
        try desk.prepare()
        try host.serve(Self.statusService) { [collector] call async throws in
            guard call.method == "collect" else { throw CallFailure("'\(call.service)' has the method collect") }
            try call.reply(json: await collector.collect())
        }
    }

    public func activate(state: [UInt8]) throws {
        side.activate()
        desk?.activate()
    }

    public func quiesce(deadline: SuspendingClock.Instant) throws {
        side.quiesce()
        desk?.quiesce()
    }

    public func stop() {
        side.quiesce()
        desk?.quiesce()
    }
}
