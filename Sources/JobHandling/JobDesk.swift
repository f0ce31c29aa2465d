import Fleet
public import PluginKit

/// The company server's side of a kind of job: administrators order, look, watch and cancel. ClientService keeps the jobs.
///
///     POST   /v1/polls              operator   a JobOrder; 202 with the Job
///     GET    /v1/polls/{id}         viewer     a JobReport
///     DELETE /v1/polls/{id}         operator   the Job
///     GET    /v1/polls/{id}/events  viewer     its counts as they change
public final class JobDesk: Sendable {
    public static let updated = Topic(FleetTopic.jobUpdated)
    public static let finished = Topic(FleetTopic.jobFinished)

    /// What a component that has one does on the bus.
    public static let busUses: [BusUse] = [
        .calls(FleetJobs.service, help: "Creates, shows and cancels jobs for administrators."),
        .subscribes(updated, help: "Tells those who watch a job how far it is."),
        .subscribes(finished, help: "Tells those who watch a job that it has ended."),
    ]

    /// `poll`, `sweep`.
    let kind: String
    private let host: Host
    private let jobs: FleetJobs
    private let streams: EventStreams
    private let rounds: DoorbellRounds
    /// Of an order.
    private static let bodyLimit = 64 << 10

    init(kind: String, host: Host, rounds: DoorbellRounds) {
        self.kind = kind
        self.host = host
        self.rounds = rounds
        jobs = FleetJobs(host)
        streams = EventStreams(host)
    }

    /// In prepare.
    func prepare() throws(PluginError) {
        try host.subscribe(Self.updated) { [streams] message in
            streams.take(try message.json(), isFinished: false)
        }
        try host.subscribe(Self.finished) { [streams, rounds] message in
            let event: JobEvent = try message.json()
            rounds.stop(event.job)
            streams.take(event, isFinished: true)
        }
    }

    func activate() {
        streams.resume()
        rounds.resume()
    }

    func quiesce() {
        streams.quiesce()
        rounds.quiesce()
    }

    func order(_ body: RequestBody, _ peer: FleetPeer, base: String, _ exchange: Exchange) async throws {
        let caller = try peer.administrator(atLeast: .operator)
        let order = try FleetJSON.decode(JobOrder.self, from: try await body.collect(upTo: Self.bodyLimit))
        let job = try await jobs.create(CreateJob(caller: caller, kind: kind, order: order))
        rounds.begin(job.id, caller)
        try JobAnswers.send(job, .accepted, adding: [("Location", "\(base)/\(job.id)")], to: exchange)
    }

    func show(_ job: JobID, _ target: String, _ peer: FleetPeer, _ exchange: Exchange) async throws {
        let caller = try peer.administrator(atLeast: .viewer)
        let rows = try RowsQuery(target: target)
        let query = JobQuery(caller: caller, job: job, kind: kind, after: rows.after, limit: rows.limit)
        try JobAnswers.send(try await jobs.get(query), to: exchange)
    }

    func cancel(_ job: JobID, _ peer: FleetPeer, _ exchange: Exchange) async throws {
        let caller = try peer.administrator(atLeast: .operator)
        let cancelled = try await jobs.cancel(JobQuery(caller: caller, job: job, kind: kind))
        rounds.stop(job)
        try JobAnswers.send(cancelled, to: exchange)
    }

    func watch(_ job: JobID, _ peer: FleetPeer, _ exchange: Exchange) async throws {
        let caller = try peer.administrator(atLeast: .viewer)
        let query = JobQuery(caller: caller, job: job, kind: kind)
        let stream = try streams.open(job, exchange)
        defer { streams.close(stream) }
        stream.take(try await jobs.get(query).job)
        guard exchange.begin(.ok, JobAnswers.events) == .done else { return }
        while true {
            switch await stream.next() {
            case .counts(let event): try await exchange.write(try JobAnswers.event("counts", event))
            case .alive: try await exchange.write(JobAnswers.alive)
            case .ask:
                do {
                    stream.take(try await jobs.get(query, timeout: .seconds(3)).job)
                } catch {
                    // Whoever may no longer look sees no more; a server that does not answer is asked again.
                    if error.status < 500 { return stream.close() }
                }
            case .end(let event):
                try await exchange.write(try JobAnswers.event("end", event))
                exchange.end()
                return
            case .wait: continue
            case .close:
                exchange.end()
                return
            }
        }
    }
}

extension EventStream {
    func take(_ job: Job) {
        take(JobEvent(job: job.id, kind: job.kind, counts: job.counts), isFinished: job.finishedAt != nil)
    }
}
