internal import ArgumentParser
internal import Console
internal import Fleet
internal import FleetAdmin

struct JobsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "jobs",
        abstract: "List sweeps and polls, watch one, or end one.",
        discussion: """
              muster jobs --kind sweep
              muster jobs ID              what each client made of it
              muster jobs ID --watch      until it is over; ^C ends the watching only
              muster jobs ID --cancel     also what is under way, at the next file

            With --json a list is a JSON document a line, a single job one document. With --watch it exits as \
            `muster poll --wait` does.
            """)

    @Argument(help: ArgumentHelp("Show this job.", valueName: "id"))
    var id: String?

    @Option(help: ArgumentHelp("Only jobs of this kind: poll or sweep.", valueName: "kind"))
    var kind: String?

    @Option(help: ArgumentHelp("So many jobs at most, the newest first.", valueName: "n"))
    var limit = 50

    @Flag(help: "Wait until the job is over, and show what came of it.")
    var watch = false

    @Flag(help: "Cancel the job.")
    var cancel = false

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var connection: FleetConnection

    func validate() throws {
        if let id, JobID(id) == nil {
            throw ValidationError("A job's id is like 01935a7e-5d3c-7cc2-9f05-6e2b6f1b2c3d: \(id) is none.")
        }
        if id == nil, watch || cancel { throw ValidationError("Say which job, by its id.") }
        if id != nil, kind != nil { throw ValidationError("Give either an id or --kind.") }
        if limit < 1 { throw ValidationError("--limit must be at least 1.") }
    }

    func run() throws {
        let server = try connection.client()
        guard let id = id.flatMap({ JobID($0) }) else { return try list(of: server) }
        if cancel {
            let job = try asking { () throws(AdminFailure) in try server.cancel(id) }
            guard watch else { return try tellCancelled(job) }
        }
        if watch {
            let job = try asking { () throws(AdminFailure) in try server.job(id) }
            return try JobEnd(client: server, job: job, json: json).waitAndShow()
        }
        let report = try asking { () throws(AdminFailure) in try server.report(of: id) }
        if json { return try Output.showFleetJSON(report) }
        Output.show(JobView(report, now: .now()).render(on: Output.terminal))
    }

    private func list(of server: AdminClient) throws {
        let jobs = try asking { () throws(AdminFailure) in try server.jobs(kind: kind, limit: limit) }
        if json { return jobs.forEach { _ = Output.showJSONLine($0) } }
        Output.show(JobsView(jobs, now: .now()).render(on: Output.terminal))
    }

    private func tellCancelled(_ job: Job) throws {
        if json { return try Output.showFleetJSON(job) }
        let left = job.counts.total - job.counts.terminal
        Output.show(
            left == 0
                ? "The job is over."
                : "What waited is cancelled; \(left) client\(left == 1 ? " is" : "s are") still to end: "
                    + "`muster jobs \(job.id) --watch`.")
    }
}
