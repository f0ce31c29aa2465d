public import Fleet

/// Jobs as `muster jobs` lists them.
public struct JobsView: Sendable {
    public var jobs: [Job]
    public var now: Timestamp

    public init(_ jobs: [Job], now: Timestamp) {
        self.jobs = jobs
        self.now = now
    }

    /// Several lines without a final line break.
    public func render(on terminal: Terminal) -> String {
        guard !jobs.isEmpty else { return "No job. `muster poll` and `muster sweep` order one." }
        var table = Table(columns: [
            .init(title: "JOB"), .init(title: "KIND", minimum: 5),
        ])
        table.rows = jobs.map { [Table.Cell("\($0.id)"), Table.Cell(oneLine($0.kind))] }
        table = table.adding(
            [
                ("DONE", nil, { Table.Cell("\($0.counts.terminal)/\($0.counts.total)") }),
                ("STATE", nil, { JobWords.cell($0) }),
                (
                    "FAILED", nil,
                    { job in
                        Table.Cell("\(JobWords.bad(job.counts))", JobWords.bad(job.counts) > 0 ? .bad : nil)
                    }
                ),
                ("FOR", 14, { Table.Cell(oneLine($0.selector)) }),
                ("ORDERED", nil, { Table.Cell(Age.text($0.createdAt, now: now)) }),
                ("BY", 4, { Table.Cell(JobWords.person($0.createdBy)) }),
            ], from: jobs, within: terminal.width)
        return table.render(on: terminal).joined(separator: "\n")
    }
}
