internal import Fleet
import Foundation
import GRDB

extension SQLiteTransaction {
    func job(_ id: JobID) throws -> Job? {
        try one("SELECT * FROM job WHERE id = ?", [id.description]).map(Self.job)
    }

    func jobs(kind: String?, isFinished: Bool?, before: JobID?, limit: Int) throws -> [Job] {
        try all(
            """
            SELECT * FROM job
            WHERE id < :before AND (:kind IS NULL OR kind = :kind)
                AND (:finished IS NULL OR (finished_at IS NOT NULL) = :finished)
            ORDER BY id DESC LIMIT :limit
            """,
            ["before": before?.description ?? "~", "kind": kind, "finished": isFinished, "limit": limit]
        ).map(Self.job)
    }

    func overdueJobs(at now: Timestamp, limit: Int) throws -> [JobID] {
        try all(
            "SELECT id FROM job WHERE finished_at IS NULL AND deadline <= ? ORDER BY deadline LIMIT ?",
            [now.milliseconds, limit]
        ).map { try JobID(column: $0["id"]) }
    }

    private static func job(_ row: Row) throws -> Job {
        var counts = AssignmentCounts()
        for state in AssignmentState.allCases { counts[state] = row[state.rawValue] }
        return Job(
            id: try JobID(column: row["id"]), kind: row["kind"], selector: row["selector"],
            parameters: try json(row["parameters"]) ?? .null,
            notBefore: (row["not_before"] as Int64?).map(Timestamp.init(column:)),
            deadline: Timestamp(column: row["deadline"]), maxRuntime: row["max_runtime"], createdBy: row["created_by"],
            createdAt: Timestamp(column: row["created_at"]),
            cancelledAt: (row["cancelled_at"] as Int64?).map(Timestamp.init(column:)),
            finishedAt: (row["finished_at"] as Int64?).map(Timestamp.init(column:)), counts: counts)
    }

    private static func countArguments(_ counts: AssignmentCounts) -> StatementArguments {
        StatementArguments(AssignmentState.allCases.map { counts[$0] })
    }

    func insert(_ job: Job) throws {
        try run(
            """
            INSERT INTO job (id, kind, selector, parameters, not_before, deadline, max_runtime, created_by, created_at,
                cancelled_at, finished_at, queued, offered, accepted, running, succeeded, failed, cancelled, expired)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """,
            [
                job.id.description, job.kind, job.selector, try Self.json(job.parameters), job.notBefore?.milliseconds,
                job.deadline.milliseconds, job.maxRuntime, job.createdBy, job.createdAt.milliseconds,
                job.cancelledAt?.milliseconds, job.finishedAt?.milliseconds,
            ] + Self.countArguments(job.counts))
    }

    /// What can change of it.
    func update(_ job: Job) throws {
        try run(
            """
            UPDATE job SET cancelled_at = ?, finished_at = ?, queued = ?, offered = ?, accepted = ?, running = ?,
                succeeded = ?, failed = ?, cancelled = ?, expired = ? WHERE id = ?
            """,
            [job.cancelledAt?.milliseconds, job.finishedAt?.milliseconds] + Self.countArguments(job.counts)
                + [job.id.description])
    }

    // MARK: Assignments

    func assignment(of job: JobID, _ client: ClientID) throws -> AssignmentRecord? {
        try one("SELECT * FROM assignment WHERE job = ? AND client = ?", [job.description, client.description])
            .map(Self.assignment)
    }

    func assignments(of job: JobID, after: ClientID?, limit: Int) throws -> [AssignmentRecord] {
        try all(
            "SELECT * FROM assignment WHERE job = ? AND client > ? ORDER BY client LIMIT ?",
            [job.description, after?.description ?? "", limit]
        ).map(Self.assignment)
    }

    func openAssignments(of job: JobID, after: ClientID?, limit: Int) throws -> [AssignmentRecord] {
        try all(
            "SELECT * FROM assignment WHERE job = ? AND client > ? AND is_open = 1 ORDER BY client LIMIT ?",
            [job.description, after?.description ?? "", limit]
        ).map(Self.assignment)
    }

    func openAssignments(of client: ClientID) throws -> [AssignmentRecord] {
        try all("SELECT * FROM assignment WHERE client = ? AND is_open = 1 ORDER BY job", [client.description])
            .map(Self.assignment)
    }

    func expiredLeases(at now: Timestamp, limit: Int) throws -> [AssignmentRecord] {
        try all(
            "SELECT * FROM assignment WHERE lease_until <= ? ORDER BY lease_until LIMIT ?", [now.milliseconds, limit]
        ).map(Self.assignment)
    }

    private static func assignment(_ row: Row) throws -> AssignmentRecord {
        AssignmentRecord(
            job: try JobID(column: row["job"]), client: try ClientID(column: row["client"]),
            standing: AssignmentStanding(
                state: try AssignmentState(column: row["state"]), attempt: row["attempt"], sequence: row["sequence"],
                leaseUntil: (row["lease_until"] as Int64?).map(Timestamp.init(column:)),
                isCancelRequested: row["is_cancel_requested"], since: Timestamp(column: row["since"]),
                reason: row["reason"]),
            progress: try json(row["progress"]), result: try json(row["result"]), isLate: row["is_late"])
    }

    private static func arguments(_ assignment: AssignmentRecord) throws -> StatementArguments {
        let standing = assignment.standing
        return [
            standing.state.rawValue, !standing.state.isTerminal, standing.attempt, standing.sequence,
            standing.leaseUntil?.milliseconds, standing.isCancelRequested, standing.since.milliseconds, standing.reason,
            try assignment.progress.map { try json($0) }, try assignment.result.map { try json($0) }, assignment.isLate,
            assignment.job.description, assignment.client.description,
        ]
    }

    func insert(_ assignment: AssignmentRecord) throws {
        try run(
            """
            INSERT INTO assignment (state, is_open, attempt, sequence, lease_until, is_cancel_requested, since, reason,
                progress, result, is_late, job, client)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, try Self.arguments(assignment))
    }

    func update(_ assignment: AssignmentRecord) throws {
        try run(
            """
            UPDATE assignment SET state = ?, is_open = ?, attempt = ?, sequence = ?, lease_until = ?,
                is_cancel_requested = ?, since = ?, reason = ?, progress = ?, result = ?, is_late = ?
            WHERE job = ? AND client = ?
            """, try Self.arguments(assignment))
    }

    // MARK: What sweeps found

    func detections(since: Timestamp?, before: Int64?, limit: Int) throws -> [(number: Int64, row: DetectionRow)] {
        try all(
            """
            SELECT detection.*, client.name AS name FROM detection JOIN client ON client.id = detection.client
            WHERE number < ? AND found_at >= ? ORDER BY number DESC LIMIT ?
            """, [before ?? .max, since?.milliseconds ?? .min, limit]
        ).map { row in
            (
                row["number"],
                DetectionRow(
                    client: try ClientID(column: row["client"]), name: row["name"], job: try JobID(column: row["job"]),
                    foundAt: Timestamp(column: row["found_at"]),
                    detection: Detection(
                        path: row["path"], threat: row["threat"],
                        severity: try Detection.Severity(column: row["severity"]), sha256: row["sha256"],
                        size: row["size"], action: row["action"]))
            )
        }
    }

    func insert(_ detections: [Detection], of client: ClientID, job: JobID, foundAt: Timestamp) throws {
        for detection in detections {
            try run(
                """
                INSERT INTO detection (client, job, found_at, path, threat, severity, sha256, size, action)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
                """,
                [
                    client.description, job.description, foundAt.milliseconds, detection.path, detection.threat,
                    detection.severity.rawValue, detection.sha256, detection.size, detection.action,
                ])
        }
    }

    func sweepRuns(of client: ClientID, limit: Int) throws -> [SweepRun] {
        try all(
            "SELECT * FROM sweep_run WHERE client = ? ORDER BY job DESC LIMIT ?", [client.description, limit]
        ).map { row in
            SweepRun(
                job: try JobID(column: row["job"]), client: client, finishedAt: Timestamp(column: row["finished_at"]),
                isComplete: row["is_complete"], definitions: row["definitions"],
                coverage: try Self.json(row["coverage"]) ?? SweepCoverage())
        }
    }

    func insert(_ run: SweepRun) throws {
        try self.run(
            """
            INSERT OR REPLACE INTO sweep_run (job, client, finished_at, is_complete, definitions, coverage)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            [
                run.job.description, run.client.description, run.finishedAt.milliseconds, run.isComplete,
                run.definitions, try Self.json(run.coverage),
            ])
    }

    // MARK: What is old

    func deleteFinished(before time: Timestamp, limit: Int) throws -> Bool {
        let jobs: [String] = try all(
            "SELECT id FROM job WHERE finished_at < ? ORDER BY id LIMIT ?", [time.milliseconds, limit]
        ).map { $0["id"] }
        for job in jobs {
            try run("DELETE FROM assignment WHERE job = ?", [job])
            try run("DELETE FROM job WHERE id = ?", [job])
        }
        try run(
            "DELETE FROM detection WHERE number IN (SELECT number FROM detection WHERE found_at < ? LIMIT ?)",
            [time.milliseconds, limit * 100])
        let detections = database.changesCount
        try run("DELETE FROM sweep_run WHERE finished_at < ?", [time.milliseconds])
        return jobs.count == limit || detections == limit * 100
    }
}
