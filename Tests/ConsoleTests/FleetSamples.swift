import Console
import Fleet
import FoundationEssentials

/// A fleet that shows every state there is; all times are before `Sample.now`.
enum Sample {
    static let now = Timestamp(seconds: 1_795_549_800)

    static func ago(_ seconds: Int64) -> Timestamp { Timestamp(seconds: now.milliseconds / 1000 - seconds) }
    static let day: Int64 = 86_400

    static func client(_ number: Int) -> ClientID { id(number) }
    static func job(_ number: Int) -> JobID { id(number) }
    static func token(_ number: Int) -> TokenID { id(number) }

    private static func id<Kind>(_ number: Int) -> Identifier<Kind> {
        let digits = String(number)
        let text = "01935a7e-5d3c-7cc2-9f05-" + String(repeating: "0", count: 12 - digits.count) + digits
        return Identifier(text) ?? .make(at: now)
    }

    static var coverage: SweepCoverage {
        var coverage = SweepCoverage()
        coverage.seen = 1_204_311
        coverage.scanned = 1_104_300
        coverage.cached = 99_000
        coverage.excluded = 900
        coverage.unreadable = 11
        coverage.oversize = 100
        coverage.bytes = 48_318_382_080
        return coverage
    }

    static func sweep(_ age: Int64, isComplete: Bool = true, isFull: Bool = true) -> ClientStatus.Sweep {
        ClientStatus.Sweep(
            finishedAt: ago(age), isComplete: isComplete, isFull: isFull, coverage: coverage, detections: 3)
    }

    static func status(
        os: String = "Debian GNU/Linux 12 (bookworm)", definitions: String? = "41", sweep: ClientStatus.Sweep? = nil,
        threats: Int = 0
    ) -> ClientStatus {
        ClientStatus(
            system: .init(
                host: "pc1.example.com", os: os, family: "linux", kernel: "6.1.0-27-amd64", architecture: "x86_64",
                bootedAt: ago(3 * day)),
            version: "0.1.0",
            definitions: definitions.map { .init(version: $0, signatures: 8_700_211, date: ago(7200)) },
            lastSweep: sweep, openDetections: threats,
            disks: [
                .init(path: "/", size: 512_000_000_000, free: 300_000_000_000),
                .init(path: "/var", size: 64_000_000_000, free: 1_000_000_000),
            ],
            components: [
                .init(name: "ClientService", state: "running", version: "0.1.0", restarts: 0),
                .init(name: "SweepHandler", state: "retrying", version: "0.1.0", restarts: 4),
            ])
    }

    static func row(
        _ number: Int, _ name: String, online: Bool = true, group: String = "office", seen: Int64? = 20,
        standing: ClientRow.Standing = .enrolled, status: ClientStatus? = nil
    ) -> ClientRow {
        ClientRow(
            id: client(number), name: name, group: group, standing: standing, isOnline: online,
            enrolledAt: ago(90 * day), seenAt: seen.map(ago), clockSkew: 1.2, certificateEndsAt: ago(-12 * day),
            openDetections: status?.openDetections ?? 0, status: status)
    }

    /// What a machine may call itself to steer the terminal of who looks at it.
    static let hostile = "pc\u{1B}[2J\u{1B}]0;owned\u{7}\r\nroot\u{202E}x"

    static var clients: [ClientRow] {
        [
            row(1, "reception", status: status(sweep: sweep(2 * day))),
            row(2, "配信サーバー", status: status(definitions: "40", sweep: sweep(9 * day), threats: 2)),
            row(
                3, hostile, online: false, seen: 3 * day,
                status: status(os: "Fedora\u{1B}[31m Linux 43", definitions: "12", sweep: sweep(45 * day))),
            row(4, "new", online: false, group: "lab", seen: nil),
            row(5, "part-only", status: status(definitions: nil, sweep: sweep(3600, isFull: false))),
            row(6, "cut-short", status: status(sweep: sweep(day, isComplete: false))),
            row(7, "stolen-laptop", online: false, seen: 200 * day, standing: .revoked),
            row(
                8, "a-machine-with-a-very-long-name-that-nobody-wants-to-type.department.example.com",
                group: "a-long-group-name", status: status(sweep: sweep(600))),
        ]
    }

    static func job(
        _ number: Int, kind: String = "sweep", _ counts: AssignmentCounts, selector: String = "group=office",
        finished: Bool = false, cancelled: Bool = false
    ) -> Job {
        Job(
            id: job(number), kind: kind, selector: selector,
            parameters: kind == "sweep" ? .object(["paths": .array([.string("/home"), .string("/tmp")])]) : .null,
            notBefore: nil, deadline: ago(-3600), maxRuntime: 3600,
            createdBy: "muster:admin/anna?role=operator", createdAt: ago(180), cancelledAt: cancelled ? ago(60) : nil,
            finishedAt: finished ? ago(30) : nil, counts: counts)
    }

    static func counts(_ pairs: [(AssignmentState, Int)]) -> AssignmentCounts {
        pairs.reduce(into: AssignmentCounts()) { $0[$1.0] = $1.1 }
    }

    static func json(_ value: some Encodable) -> JSONValue? {
        (try? FleetJSON.encode(value)).flatMap { try? FleetJSON.decode(JSONValue.self, from: $0) }
    }

    static let longPath = "/srv/" + String(repeating: "a-long-folder/", count: 20) + "eicar\u{1B}[31m.com"

    static func detection(_ severity: Detection.Severity, _ path: String) -> Detection {
        Detection(path: path, threat: "Eicar-Test-Signature", severity: severity, sha256: "00", size: 68)
    }

    static func report(
        complete: Bool = true, reasons: [String] = [], _ detections: [Detection] = [], count: Int? = nil
    ) -> JSONValue? {
        json(
            SweepReport(
                paths: ["/home"], startedAt: ago(170), finishedAt: ago(40), definitions: "41", isComplete: complete,
                reasons: reasons, coverage: coverage, detections: detections,
                detectionCount: count ?? detections.count))
    }

    static func assignment(
        _ number: Int, _ name: String, _ state: AssignmentState, reason: String = "", progress: Progress? = nil,
        result: JSONValue? = nil, online: Bool = true, late: Bool = false, cancel: Bool = false
    ) -> AssignmentRow {
        AssignmentRow(
            job: job(1), client: client(number), name: name, state: state, attempt: 1, since: ago(30),
            isCancelRequested: cancel, reason: reason, progress: progress, result: result, isLate: late,
            isOnline: online)
    }

    static var sweepReport: JobReport {
        let rows = [
            assignment(1, "reception", .succeeded, result: report()),
            assignment(
                2, "配信サーバー", .succeeded,
                result: report([detection(.high, "/home/anna/eicar.com"), detection(.low, longPath)], count: 5)),
            assignment(
                3, hostile, .succeeded,
                result: report(complete: false, reasons: ["/mnt\u{1B}[2J was not readable: Permission denied"])),
            assignment(
                4, "lab-7", .running, progress: Progress(files: 12_034, path: "/home/x", detections: 1), cancel: true),
            assignment(5, "lab-8", .queued, online: false),
            assignment(6, "lab-9", .failed, reason: "SweepHandler is not enabled on this client."),
            assignment(7, "lab-10", .failed, reason: "SweepHandler is not enabled on this client."),
            assignment(8, "lab-11", .expired, reason: "The deadline passed before it was heard of.", late: true),
        ]
        let counts = counts([(.succeeded, 3), (.running, 1), (.queued, 1), (.failed, 2), (.expired, 1)])
        return JobReport(job: job(1, counts), rows: rows)
    }

    static var pollReport: JobReport {
        let rows = clients.prefix(4).map { client in
            assignment(
                1, client.name, client.status == nil ? .expired : .succeeded,
                reason: client.status == nil ? "The deadline passed before it was heard of." : "",
                result: client.status.flatMap { json($0) })
        }
        return JobReport(
            job: job(2, kind: "poll", counts([(.succeeded, 3), (.expired, 1)]), selector: "all", finished: true),
            rows: Array(rows))
    }
}
