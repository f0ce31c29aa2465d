public import PluginKit
internal import Fleet
import Locks

/// Connects workstations and the company server. Documented port 50000.
///
/// - `server`: owns the fleet's store, answers clients and administrators over HTTPS, and SweepHandler, PollHandler and
///   components of third parties over the bus.
/// - `client`: reports to the company server and carries out its jobs, over connections that it opens.
public final class ClientService: Plugin {
    public typealias Options = ClientServiceOptions

    /// Who is asked for by the handlers: a certificate is needed for everything but to enrol.
    public static let listener = Listener.https(
        "clients", port: 50000, clientCertificate: .optional, help: "Answers clients and administrators of the fleet.")

    public static let description = PluginDescription(
        id: "org.muster.client-service", name: "ClientService", version: "0.1.0",
        summary: "Connects workstations and the company server.", vendor: "Muster contributors", licence: "MIT",
        listeners: [listener],
        bus: [
            .serves(Service(FleetService.jobs), help: "Makes, shows and cancels jobs (server)."),
            .serves(Service(FleetService.clients), help: "Tells which clients there are (server)."),
            .serves(Service(FleetService.clientJobs), help: "Has the server asked for jobs at once (client)."),
            .calls(Service(FleetService.clientStatus), help: "Asks what the machine is like (client)."),
            .calls(Service(FleetService.job("poll")), help: "Has polls carried out (client)."),
            .calls(Service(FleetService.job("sweep")), help: "Has sweeps carried out (client)."),
            .subscribes(Topic(FleetTopic.assignmentProgress), help: "How far a job is (client)."),
            .publishes(Topic(FleetTopic.clientEnrolled), help: "A client was enrolled."),
            .publishes(Topic(FleetTopic.clientOnline), help: "A client is heard of."),
            .publishes(Topic(FleetTopic.clientOffline), help: "A client is not heard of any more."),
            .publishes(Topic(FleetTopic.jobCreated), help: "A job was ordered."),
            .publishes(Topic(FleetTopic.jobUpdated), help: "How many clients are how far with a job."),
            .publishes(Topic(FleetTopic.jobFinished), help: "Every client has come to its end with a job."),
            .publishes(Topic(FleetTopic.threatFound), help: "A sweep found a threat."),
        ],
        requires: [.httpClient, .metrics, .state, .timer, .work])

    private let host: Host
    private let options: ClientServiceOptions
    private let server: FleetServer?
    private let agent: ClientAgent?
    private let ownClient: ClientID?

    public init(options: ClientServiceOptions, host: Host) throws {
        self.options = options
        self.host = host
        let roles = Set(options.roles)
        let folder = IdentityFolder(path: options.identity.string)
        let identity: FleetIdentity
        do {
            identity = try folder.read()
        } catch {
            throw options.$identity.error(
                "\(error). 'muster fleet init' makes the company server's identity, 'muster enroll' a client's.")
        }
        ownClient = identity.peer.client
        server =
            try roles.contains(.server)
            ? FleetServer(
                host: host, options: options.server, authority: try Self.authority(options, identity),
                identity: folder, ownClient: ownClient) : nil
        if roles.contains(.server), !identity.peer.isServer {
            throw options.$identity.error(
                "\(folder.identityPath) is a client's: the company server needs the one that 'muster fleet init' made.")
        }
        if roles.contains(.client) {
            guard identity.peer.client != nil else {
                throw options.$identity.error(
                    "\(folder.identityPath) is not one of a client: enrol it with 'muster enroll'.")
            }
            let journal: JobJournal
            do {
                journal = try JobJournal(folder: try host.stateDirectory.string + "/jobs")
            } catch let error as FleetIdentityError {
                throw PluginError("\(error)")
            }
            agent = try ClientAgent(host: host, options: options.client, folder: folder, journal: journal)
        } else {
            agent = nil
        }
    }

    private static func authority(
        _ options: ClientServiceOptions, _ identity: FleetIdentity
    ) throws -> FleetAuthority {
        guard let folder = options.authority?.string else {
            throw options.$authority.error(
                "the server issues certificates: name the folder that 'muster fleet init' made for that.")
        }
        do {
            let authority = try IssuingFolder(path: folder).read()
            guard authority.root == String(decoding: identity.authority, as: UTF8.self) else {
                throw FleetIdentityError(reason: "the authority in \(folder) is not that of \(options.identity)")
            }
            return authority
        } catch {
            throw options.$authority.error("\(error)")
        }
    }

    public func prepare() throws {
        var limits = HTTPLimits()
        // A lease is answered when there is something to do, or after five minutes.
        limits.answerTimeout = .seconds(330)
        limits.bodyBytes = FleetRequests.bodyLimit
        limits.idleTimeout = .seconds(330)
        try host.serve(
            Self.listener,
            with: FleetRequests(
                server: server, agent: agent, roles: Set(options.roles), ownClient: ownClient),
            limits: limits)
        try server?.serveBus()
        try agent?.serveBus()
    }

    public func activate(state: [UInt8]) throws {
        let former: ServiceState? = state.isEmpty ? nil : try? FleetJSON.decode(from: state)
        if let server {
            let folder = try host.stateDirectory.string
            FleetServer.removeCopies(in: folder)
            let path = folder + "/fleet.sqlite"
            do {
                try server.open(try SQLiteStore(path: path))
            } catch let error as StoreError {
                throw PluginError(error.message)
            }
        }
        agent?.start(instance: former?.instance)
    }

    public func quiesce(deadline: SuspendingClock.Instant) throws {
        server?.quiesce()
        agent?.quiesce()
    }

    public func release() throws -> [UInt8] {
        let instance = agent?.release()
        do {
            try server?.close()
        } catch {
            host.log.error(
                "The fleet's store did not close in order; it is in order nonetheless.", ["error": "\(error)"])
        }
        return try FleetJSON.encode(ServiceState(instance: instance))
    }
}

/// What one generation hands to the next.
private struct ServiceState: Codable {
    /// The client's name for this start, so that a reload is no new machine.
    var instance: String?
}
