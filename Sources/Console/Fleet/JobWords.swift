internal import Fleet

/// States of assignments and jobs, in words and colours.
enum JobWords {
    static func cell(_ row: AssignmentRow) -> Table.Cell {
        var text = row.state.rawValue
        if row.isCancelRequested, !row.state.isTerminal { text += ", ending" }
        if row.isLate { text += ", late" }
        if row.state == .queued, !row.isOnline { text += ", offline" }
        return Table.Cell(text, style(of: row.state))
    }

    static func style(of state: AssignmentState) -> Style? {
        switch state {
        case .queued: .faint
        case .offered, .accepted, .running: .uncertain
        case .succeeded: .good
        case .failed, .expired: .bad
        case .cancelled: .uncertain
        }
    }

    static func cell(_ job: Job) -> Table.Cell {
        if job.finishedAt == nil {
            return job.cancelledAt == nil ? Table.Cell("open", .uncertain) : Table.Cell("ending", .uncertain)
        }
        if job.cancelledAt != nil { return Table.Cell("cancelled", .uncertain) }
        return bad(job.counts) > 0 ? Table.Cell("finished", .bad) : Table.Cell("finished", .good)
    }

    static func bad(_ counts: AssignmentCounts) -> Int { counts.failed + counts.expired }

    /// `97 succeeded, 1 failed, 2 running`: what is not 0.
    static func counts(_ counts: AssignmentCounts) -> String {
        let order: [AssignmentState] = [
            .succeeded, .failed, .cancelled, .expired, .running, .accepted, .offered, .queued,
        ]
        let parts = order.filter { counts[$0] > 0 }.map { "\(SweepWords.grouped(counts[$0])) \($0.rawValue)" }
        return parts.isEmpty ? "no client" : parts.joined(separator: ", ")
    }

    /// `anna` of `muster:admin/anna?role=operator`.
    static func person(_ uri: String) -> String {
        guard uri.hasPrefix("muster:admin/") else { return oneLine(uri) }
        return oneLine(String(uri.dropFirst("muster:admin/".count).prefix { $0 != "?" }))
    }
}
