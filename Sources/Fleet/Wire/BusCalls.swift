// What the components of one host say to each other about the fleet, over the host's bus.
//
// On the company server, ClientService serves `fleet.jobs` and `fleet.clients` and publishes `job.*`, `client.*` and
// `threat.found`. On a workstation it serves `client.jobs`, and calls `job.<kind>` of the component that carries a kind
// of job out. A call that fails has a `Problem` as its payload where the fleet refused it.

/// Who asks, as a component that serves administrators knows it from their certificate. The fleet checks it again.
public struct Caller: Codable, Hashable, Sendable {
    /// A role as a URI: `muster:admin/anna?role=operator`.
    public var uri: String
    /// The certificate's serial number, in hexadecimal; empty where it has none of the fleet's.
    public var serial: String

    public init(uri: String, serial: String) {
        self.uri = uri
        self.serial = serial
    }
}

/// Names of the services.
public enum FleetService {
    public static let jobs = "fleet.jobs"
    public static let clients = "fleet.clients"
    /// A workstation's, for its doorbells: `fetch` with a `FetchOrder`.
    public static let clientJobs = "client.jobs"
    /// A workstation's, served by PollHandler: `collect` answers a `ClientStatus`.
    public static let clientStatus = "client.status"
    /// A workstation's, served by SweepHandler: `get` answers a `SweepStanding`.
    public static let sweepStatus = "sweep.status"
    /// The host's own: `get` answers what `muster status --json` prints.
    public static let hostStatus = "host.status"

    /// A workstation's: `run` with an `Offer` answers an `Outcome` when the work is done, and joins work that is under way
    /// or done already; `cancel` with a `FetchOrder` ends it at the next file.
    public static func job(_ kind: String) -> String { "job.\(kind)" }
}

/// Names of the topics.
public enum FleetTopic {
    public static let clientEnrolled = "client.enrolled"
    public static let clientOnline = "client.online"
    public static let clientOffline = "client.offline"
    public static let jobCreated = "job.created"
    /// A `JobEvent`, a few times a second at most.
    public static let jobUpdated = "job.updated"
    public static let jobFinished = "job.finished"
    /// A `DetectionRow`.
    public static let threatFound = "threat.found"
    /// A workstation's: an `AssignmentProgress`.
    public static let assignmentProgress = "assignment.progress"
}

/// `client.*`.
public struct ClientEvent: Codable, Hashable, Sendable {
    public var client: ClientID
    public var name: String
    public var group: String

    public init(client: ClientID, name: String, group: String) {
        self.client = client
        self.name = name
        self.group = group
    }
}

/// `job.*`.
public struct JobEvent: Codable, Hashable, Sendable {
    public var job: JobID
    public var kind: String
    public var counts: AssignmentCounts

    public init(job: JobID, kind: String, counts: AssignmentCounts) {
        self.job = job
        self.kind = kind
        self.counts = counts
    }
}

/// `fleet.jobs` `create`; answered with the `Job`.
public struct CreateJob: Codable, Hashable, Sendable {
    public var caller: Caller
    public var kind: String
    public var order: JobOrder

    public init(caller: Caller, kind: String, order: JobOrder) {
        self.caller = caller
        self.kind = kind
        self.order = order
    }
}

/// `fleet.jobs` `get` (answered with a `JobReport`), `cancel` (with the `Job`) and `doorbells` (with a
/// `Page<RingOrder>`).
public struct JobQuery: Codable, Hashable, Sendable {
    public var caller: Caller
    public var job: JobID
    /// The job must be of this kind; nil: any.
    public var kind: String?
    /// The rows behind this one.
    public var after: String?
    /// Rows: 0 to 500, and fewer where they do not fit.
    public var limit: Int

    public init(caller: Caller, job: JobID, kind: String? = nil, after: String? = nil, limit: Int = 0) {
        self.caller = caller
        self.job = job
        self.kind = kind
        self.after = after
        self.limit = limit
    }
}

/// `GET /v1/polls/{id}`, `/v1/sweeps/{id}`, `/v1/jobs/{id}`.
public struct JobReport: Codable, Hashable, Sendable {
    public var job: Job
    public var rows: [AssignmentRow]
    public var next: String?

    public init(job: Job, rows: [AssignmentRow], next: String? = nil) {
        self.job = job
        self.rows = rows
        self.next = next
    }
}

/// `fleet.clients` `select`; answered with a `Page<ClientRow>`.
public struct SelectClients: Codable, Hashable, Sendable {
    public var caller: Caller
    public var selector: String
    public var after: String?
    public var limit: Int

    public init(caller: Caller, selector: String, after: String? = nil, limit: Int = 100) {
        self.caller = caller
        self.selector = selector
        self.after = after
        self.limit = limit
    }
}

/// A client that does not listen at the server, and where its doorbell is.
public struct RingOrder: Codable, Hashable, Sendable {
    public var client: ClientID
    /// A name or number, without brackets.
    public var address: String
    public var port: Int

    public init(client: ClientID, address: String, port: Int) {
        self.client = client
        self.address = address
        self.port = port
    }
}

/// `POST /v1/doorbell`, and `client.jobs` `fetch`: there is work.
public struct FetchOrder: Codable, Hashable, Sendable {
    public var job: JobID

    public init(job: JobID) { self.job = job }
}

public struct AssignmentProgress: Codable, Hashable, Sendable {
    public var job: JobID
    public var progress: Progress

    public init(job: JobID, progress: Progress) {
        self.job = job
        self.progress = progress
    }
}

/// What SweepHandler knows of its machine.
public struct SweepStanding: Codable, Hashable, Sendable {
    public var definitions: ClientStatus.Definitions?
    public var lastSweep: ClientStatus.Sweep?
    public var openDetections: Int

    public init(
        definitions: ClientStatus.Definitions? = nil, lastSweep: ClientStatus.Sweep? = nil, openDetections: Int = 0
    ) {
        self.definitions = definitions
        self.lastSweep = lastSweep
        self.openDetections = openDetections
    }
}
