public import PluginKit

/// On which side of the fleet the component is.
public enum ClientServiceRole: String, OptionChoice, Hashable {
    /// Owns the fleet's store and answers clients and administrators.
    case server
    /// Reports to the company server and carries out its jobs.
    case client
}

public struct ClientServiceOptions: OptionGroup {
    @Option(length: 1...2, help: "What this machine is: the company server, a client of it, or both.")
    public var roles: [ClientServiceRole]

    @Option(help: "The folder that 'muster fleet init' or 'muster enroll' made: who this machine is.")
    public var identity: Path

    @Option(help: "The folder of the issuing authority, that 'muster fleet init' made; the server needs it.")
    public var authority: Path?

    public let server = ServerOptions()
    public let client = ClientOptions()

    public init() {}
}

/// The side of the company server.
public struct ServerOptions: OptionGroup {
    @Option(
        in: .seconds(1) ... .seconds(3600), help: "How often clients report; three times as long unheard of is offline."
    )
    public var heartbeat: Duration = .seconds(60)

    @Option(
        in: .seconds(5) ... .seconds(3600),
        help: "How long a client that has a job may be unheard of before the job is offered to it again.")
    public var lease: Duration = .seconds(120)

    @Option(
        name: "dispatch_rate", in: 1...100_000, unit: "clients/s",
        help: "How many clients are told of a new job in a second.")
    public var dispatchRate = 1000

    @Option(
        name: "certificate_life", in: .seconds(60) ... .seconds(397 * 86_400),
        help: "How long a client's certificate is valid; it is renewed when two thirds of it are over.")
    public var certificateLife: Duration = .seconds(30 * 86_400)

    @Option(
        in: .seconds(86_400) ... .seconds(3650 * 86_400),
        help: "How long jobs that have ended are kept, and results and detections with them.")
    public var keep: Duration = .seconds(90 * 86_400)

    public init() {}
}

/// The side of a client.
public struct ClientOptions: OptionGroup {
    @Option(help: "What the machine is called in lists; by default its host name.")
    public var name: String?

    @Option(
        name: "doorbell_address",
        help:
            "Where the company server reaches SweepHandler and PollHandler here; by default where connections come from."
    )
    public var doorbellAddress: String?

    @Option(name: "sweep_port", in: 0...65535, help: "SweepHandler's port here; 0: it has no doorbell.")
    public var sweepPort = 50001

    @Option(name: "poll_port", in: 0...65535, help: "PollHandler's port here; 0: it has no doorbell.")
    public var pollPort = 50002

    public init() {}
}
