import Fleet
import JobHandling
import PluginJSON
public import PluginKit
import SweepEngine

/// Sweeps workstations for threats.
///
/// On the company server administrators order sweeps at `/v1/sweeps`; on a workstation the doorbell is heard, and sweeps
/// are carried out (`job.sweep`), one at a time.
public final class SweepHandler: Plugin {
    public typealias Options = SweepOptions

    public static let listener = Listener.https(
        "sweeps", port: 50001, clientCertificate: .required,
        help: "Takes orders for sweeps, and rings of the doorbell.")

    static let statusService = Service(FleetService.sweepStatus)
    static let testService = Service(UpdateBusService.definitionsTest)
    static let activated = Topic(UpdateTopic.activated)

    public static let description = PluginDescription(
        id: "org.muster.sweep-handler", name: "SweepHandler", version: "0.1.0",
        summary: "Sweeps workstations for threats.", vendor: "Muster contributors", licence: "MIT",
        listeners: [listener],
        bus: JobSide.busUses + WorkDesk.busUses(kind: "sweep", help: "Sweeps this machine.")
            + [
                .serves(statusService, help: "Says what the last sweep found, and the definitions."),
                .serves(testService, help: "Loads definitions that are to be activated, and tries them."),
                .subscribes(activated, help: "Takes new definitions into use."),
                .publishes(SweepWork.progress, help: "Tells how far a sweep is."),
            ],
        requires: [.metrics, .state, .timer, .work])

    private let host: Host
    private let side: JobSide
    private let desk: WorkDesk?
    private let work: SweepWork

    public init(options: Options, host: Host) throws {
        self.host = host
        let roles = Set(options.roles)
        guard !roles.contains(.server) || options.identity != nil else {
            throw options.$identity.error("The role 'server' needs it: the folder that 'muster fleet init' has made.")
        }
        side = try JobSide(
            kind: "sweep", listener: Self.listener, roles: roles,
            identity: options.identity.map { DialIdentity(folder: $0) }, doorbellsPerSecond: options.doorbellsPerSecond,
            host: host)
        let state = try host.stateDirectory.string
        let rules = SweepRules(
            exclusions: options.exclude, fileLimit: Int64(options.fileLimit.bytes), progressInterval: .seconds(1))
        let work = SweepWork(DefinitionsShelf(options.definitions, host), rules, folder: state, host: host)
        self.work = work
        desk =
            roles.contains(.client)
            ? WorkDesk(kind: "sweep", folder: state + "/finished", host: host) { await work.carryOut($0, $1) } : nil
    }

    public func prepare() throws {
        try side.prepare()
        guard let desk else { return }
        try desk.prepare()
        try host.serve(Self.statusService) { [work] call in
            guard call.method == "get" else { throw CallFailure("'\(call.service)' has the method get") }
            try call.reply(json: work.standing)
        }
        try host.serve(Self.testService) { [host] call async throws in
            try await DefinitionsTrial.answer(call, host)
        }
        try host.subscribe(Self.activated) { [work, host] _ in host.start { await work.shelf.announceRefresh() } }
    }

    public func activate(state: [UInt8]) throws {
        side.activate()
        guard let desk else { return }
        work.load()
        desk.activate()
        host.start { [work, host] in
            let content = await work.shelf.refresh()
            if let trouble = content.trouble { host.log.notice("Sweeps will fail for now.", ["reason": trouble]) }
        }
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
