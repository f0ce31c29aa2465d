internal import Fleet
import FoundationEssentials
import Locks
import PluginJSON
import PluginKit

/// The client's side: reports to the company server, asks it for work, has the component of this host that serves the
/// kind carry it out, and keeps every result until the server has committed it.
///
/// Three tasks from activate to quiesce: heartbeats, the long poll for jobs, and one for each job under way.
final class ClientAgent: Sendable {
    /// How long a lease is waited for where nothing is held, and where something is: what is held has to be named again
    /// before the server takes it for lost.
    static let idleWait = 300
    static let busyWait = 30

    let host: Host
    let options: ClientOptions
    let uplink: Uplink
    let journal: JobJournal
    let state = Locked(AgentState())
    /// Ends the pause before the next heartbeat, and before the next lease.
    let heartbeatBell = Bell()
    let leaseBell = Bell()
    private let loops = Locked<[Task<Void, Never>]>([])

    struct AgentState: Sendable {
        var instance = ""
        var standing = ClientStanding()
        /// Kinds of which a job is being carried out.
        var busyKinds: Set<String> = []
        /// From one activate to the next: a task of an earlier one changes nothing any more.
        var turn = 0
        /// Jobs with a task, and the task.
        var jobsUnderWay: [JobID: Task<Void, Never>] = [:]
        var progress: [JobID: Progress] = [:]
        var cancelled: Set<JobID> = []
        var isStopping = false
        var leaseTask: Task<LeaseAnswer?, any Error>?
        /// Whom the long poll is for.
        var leaseClient: ClientID?
        var sentHash = ""
    }

    init(host: Host, options: ClientOptions, folder: IdentityFolder, journal: JobJournal) throws {
        self.host = host
        self.options = options
        self.journal = journal
        uplink = Uplink(client: try host.httpClient(), folder: folder)
    }

    var standing: ClientStanding {
        var standing = state.withLock { $0.standing }
        let identity = try? uplink.identity()
        standing.client = identity?.peer.client
        standing.server = identity.flatMap { try? "\($0.profile.serverAddress)" }
        standing.certificateEndsAt = identity?.notAfter
        standing.openJobs = journal.open.map(\.offer.job)
        return standing
    }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    // MARK: Life

    /// In prepare.
    func serveBus() throws {
        try host.serve(Service(FleetService.clientJobs)) { [self] (call: BusCall) throws in
            guard call.method == "fetch" else { throw CallFailure("client.jobs has the method fetch") }
            // Where the server does not know of our poll, it is opened anew.
            openLeaseAnew()
            call.reply()
        }
        try host.subscribe(Topic(FleetTopic.assignmentProgress)) { [self] message in
            let report: AssignmentProgress = try message.json()
            state.withLock { state in
                if state.jobsUnderWay[report.job] != nil { state.progress[report.job] = report.progress }
            }
        }
    }

    /// - Parameter instance: of the generation before; nil: this is a new start.
    func start(instance: String?) {
        let damaged = journal.load()
        if !damaged.isEmpty {
            host.log.error(
                "Files of jobs could not be read and were put aside.", ["files": damaged.joined(separator: " ")])
        }
        state.withLock { state in
            state.instance = instance ?? UUID().uuidString.lowercased()
            // The generation that this one was quiesced for may not have come to be.
            state.isStopping = false
            state.turn += 1
            state.jobsUnderWay = [:]
            state.busyKinds = []
            state.cancelled = []
        }
        for entry in journal.open { carryOut(entry.offer.job) }
        loops.withLock { $0 = [Task { await heartbeats() }, Task { await leases() }] }
    }

    func quiesce() {
        let jobs = state.withLock { state in
            state.isStopping = true
            return Array(state.jobsUnderWay.values)
        }
        for task in loops.withLock({ $0 }) + jobs { task.cancel() }
    }

    /// What is under way stays with the components that do it: the next generation joins it.
    /// - Returns: the instance.
    func release() -> String {
        journal.close()
        return state.withLock { $0.instance }
    }

    // MARK: Heartbeats

    private func heartbeats() async {
        var backoff = Backoff()
        var generator = SystemRandomNumberGenerator()
        while !Task.isCancelled {
            var pause: Duration
            do {
                let answer = try await beat()
                backoff.reset()
                let seconds = Double(min(max(1, answer.intervalSeconds), 3600))
                // A tenth to and fro, so that those who began together drift apart.
                pause = .milliseconds(Int64(seconds * Double.random(in: 900...1100, using: &generator)))
                if answer.wantsStatus { pause = .milliseconds(100) }
            } catch is CancellationError {
                return
            } catch {
                let failure = error as? Uplink.Failure
                if failure?.problem?.code != .handingOver { note(failure: failure?.message ?? "\(error)") }
                pause = backoff.next(retryAfter: failure?.retryAfter, using: &generator)
            }
            await renewIfDue()
            _ = await heartbeatBell.wait(pause)
        }
    }

    private func beat() async throws -> HeartbeatAnswer {
        let status = await collectStatus()
        let hash = try status.map { status in
            TokenSecret.hash(String(decoding: try FleetJSON.encode(status.withoutMoments), as: UTF8.self)).hexadecimal
        }
        let sentHash = state.withLock { $0.sentHash }
        let heartbeat = Heartbeat(
            instance: state.withLock { $0.instance }, boot: Machine.bootID, name: options.name ?? Machine.hostName,
            version: host.facts.hostVersion, time: .now(), definitions: status?.definitions?.version,
            doorbells: doorbells, statusHash: hash ?? "", status: hash == sentHash ? nil : status)
        let sentAt = Timestamp.now()
        guard let answer: HeartbeatAnswer = try await uplink.post("/v1/heartbeat", heartbeat) else {
            throw Uplink.Failure(message: "the company server gave no answer to a heartbeat")
        }
        let now = Timestamp.now()
        state.withLock { state in
            state.sentHash = answer.wantsStatus ? "" : hash ?? ""
            state.standing.heardAt = now
            // Half of the round trip lies behind the server's look at its clock.
            state.standing.clockSkew = Double((now - answer.time - (now - sentAt) / 2).wholeMilliseconds) / 1000
        }
        noteSuccess()
        // This machine was enrolled again meanwhile: the poll that is open is still that of the client it was before.
        let own = (try? uplink.identity())?.peer.client
        if state.withLock({ $0.leaseTask != nil && $0.leaseClient != own }) { openLeaseAnew() }
        if answer.rekey { await renew(because: "another machine uses the same identity") }
        if answer.jobsWaiting > 0, journal.hasRoom { leaseBell.ring() }
        return answer
    }

    private func openLeaseAnew() {
        state.withLock { $0.leaseTask }?.cancel()
        leaseBell.ring()
    }

    private var doorbells: [String: Doorbell] {
        [("sweep", options.sweepPort), ("poll", options.pollPort)].reduce(into: [:]) { bells, bell in
            guard bell.1 > 0 else { return }
            bells[bell.0] = Doorbell(address: options.doorbellAddress, port: bell.1)
        }
    }

    private func collectStatus() async -> ClientStatus? {
        try? await host.call(
            Service(FleetService.clientStatus), "collect", json: JSONValue.object([:]), as: ClientStatus.self,
            timeout: .seconds(10))
    }

    // MARK: What is told

    /// Says once that something does not work, and once that it works again.
    func note(failure message: String) {
        let isNew = state.withLock { state in
            defer { state.standing.problem = message }
            return state.standing.problem != message
        }
        if isNew { host.log.warning("The company server cannot be reported to; trying again.", ["reason": message]) }
    }

    func noteSuccess() {
        let wasBad = state.withLock { state in
            defer { state.standing.problem = nil }
            return state.standing.problem != nil
        }
        if wasBad { host.log.notice("The company server is reported to again.") }
    }
}

/// What the client knows of its line to the server, for `GET /v1/status`.
struct ClientStanding: Codable, Hashable, Sendable {
    var client: ClientID?
    var server: String?
    var certificateEndsAt: Timestamp?
    /// When the server last answered a heartbeat.
    var heardAt: Timestamp?
    /// Seconds that this machine's clock is ahead of the server's.
    var clockSkew: Double?
    /// Why it is not heard of; nil where all is well.
    var problem: String?
    var openJobs: [JobID] = []
}

extension ClientStatus {
    /// For the comparison with what was sent before: what changes all the time does not make a status another.
    var withoutMoments: ClientStatus {
        var status = self
        // A change of a gigabyte is one that is told.
        status.disks = disks.map { Disk(path: $0.path, size: $0.size, free: $0.free >> 30) }
        return status
    }
}

extension [UInt8] {
    var hexadecimal: String {
        reduce(into: "") { $0 += ($1 < 16 ? "0" : "") + String($1, radix: 16) }
    }
}
