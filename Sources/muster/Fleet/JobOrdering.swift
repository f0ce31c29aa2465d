internal import ArgumentParser
internal import Console
internal import Fleet
internal import FleetAdmin

/// What `muster poll` and `muster sweep` share.
struct JobOrdering: ParsableArguments {
    @OptionGroup var selection: ClientSelection

    @Flag(help: "Wait until every client has ended, and show what came of it.")
    var wait = false

    @Option(
        help: ArgumentHelp(
            "A client that has not ended by then is given up, such as 30m or 2d. Without it: the server's own deadline.",
            valueName: "duration"))
    var deadline: Span?

    @Flag(help: "Print one JSON document: the job, and with --wait also a row for each client.")
    var json = false

    @OptionGroup var connection: FleetConnection

    /// What the exit code says, for the help.
    static let exitCodes = """
        Exits with 3 where the server could not be asked, with 130 after ^C, and with --wait also with: 0 every client \
        did it and nothing was found; 1 something was found; 2 nothing was found, but a client failed, expired, was \
        cancelled or left something out.
        """

    func run(_ kind: AdminClient.JobKind, parameters: JSONValue? = nil) throws {
        let client = try connection.client()
        let job = try asking { () throws(AdminFailure) in
            var order = JobOrder(selector: selection.selector, parameters: parameters)
            if let deadline { order.deadline = try client.serverTime() + deadline.duration }
            return try client.order(kind, order)
        }
        guard wait else { return try tell(job, kind) }
        try JobEnd(client: client, job: job, json: json).waitAndShow()
    }

    private func tell(_ job: Job, _ kind: AdminClient.JobKind) throws {
        if json { return try Output.showFleetJSON(job) }
        let count = job.counts.total
        Output.show(
            """
            \(job.id)
            Ordered for \(count) client\(count == 1 ? "" : "s"). Watch it with `muster jobs \(job.id) --watch`, \
            end it with `muster jobs \(job.id) --cancel`.
            """)
    }
}

/// Waits for a job and shows what came of it.
struct JobEnd {
    let client: AdminClient
    let job: Job
    let json: Bool

    func waitAndShow() throws {
        let waiting = JobWaiting(client: client, kind: job.kind, id: job.id, counts: job.counts)
        guard try waiting.run() else {
            Output.complain { _ in
                "The job goes on. `muster jobs \(job.id) --watch` watches it, `muster jobs \(job.id) --cancel` ends it."
            }
            throw ExitCode(130)
        }
        let report = try asking { () throws(AdminFailure) in try client.report(of: job.id) }
        let result = WaitView.Result(report, now: .now())
        if json {
            try Output.showFleetJSON(report)
        } else {
            Output.show(result.render(on: Output.terminal))
        }
        if result.verdict != .good { throw ExitCode(result.verdict.rawValue) }
    }
}
