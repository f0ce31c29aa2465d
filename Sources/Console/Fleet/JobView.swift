public import Fleet

/// One job, and what every client made of it.
public struct JobView: Sendable {
    public var report: JobReport
    public var now: Timestamp

    public init(_ report: JobReport, now: Timestamp) {
        self.report = report
        self.now = now
    }

    /// Several lines without a final line break.
    public func render(on terminal: Terminal) -> String {
        let result = WaitView.Result(report, now: now).render(on: terminal)
        return facts.render(on: terminal) + "\n\n" + result
    }

    private var facts: Facts {
        let job = report.job
        var facts = Facts()
        facts.add("job", "\(job.id)")
        facts.add("kind", oneLine(job.kind))
        facts.add("for", oneLine(job.selector))
        if case .array(let paths) = job.parameters["paths"], !paths.isEmpty {
            facts.add("paths", paths.compactMap(\.string).map(oneLine).joined(separator: " "))
        }
        facts.add("state", JobWords.cell(job))
        facts.add("clients", JobWords.counts(job.counts))
        facts.add("ordered", "\(Age.full(job.createdAt, now: now)) by \(JobWords.person(job.createdBy))")
        facts.add("not before", job.notBefore.map { Age.full($0, now: now) })
        facts.add("cancelled", job.cancelledAt.map { Age.full($0, now: now) })
        facts.add("finished", job.finishedAt.map { Age.full($0, now: now) })
        if job.finishedAt == nil { facts.add("deadline", Age.full(job.deadline, now: now)) }
        return facts
    }
}
