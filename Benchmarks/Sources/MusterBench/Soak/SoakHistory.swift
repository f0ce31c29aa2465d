import Glibc

/// What was seen of the host while it was tormented.
struct SoakHistory {
    /// What the supervisor and the worker that was never touched hold at one time.
    struct Point {
        var seconds: Double
        var descriptors: Int
        var threads: Int
        var children: Int
        var supervisorBytes: Double
        var siblingBytes: Double
        var siblingDescriptors: Int

        init(at nanoseconds: UInt64, _ host: MusterHost, _ sibling: pid_t) throws {
            let pid = try host.supervisorPID
            guard let own = ProcessFacts.memory(pid, "Rss"), let theirs = ProcessFacts.memory(sibling, "Rss") else {
                throw BenchError("cannot read the memory of processes \(pid) and \(sibling); run as root")
            }
            seconds = Double(nanoseconds) / 1e9
            descriptors = ProcessFacts.descriptorCount(pid)
            threads = ProcessFacts.threadCount(pid)
            children = ProcessFacts.children(pid).count
            supervisorBytes = own
            siblingBytes = theirs
            siblingDescriptors = ProcessFacts.descriptorCount(sibling)
        }
    }

    private static let sampleInterval: UInt64 = 10_000_000_000
    /// What may come and go without being a leak.
    private static let allowedGrowth = 4.0 * 1_048_576
    /// Two components and their listeners hold this many at the very most when nothing drains.
    private static let allowedDescriptors = 40

    var rounds = 0
    var recovery = Sample()
    private(set) var points: [Point] = []
    /// After the load has ended and every older worker with it.
    var end: Point?
    private var nextSample: UInt64 = 0

    mutating func takeSample(ifDue now: UInt64, _ host: MusterHost, _ sibling: pid_t, _ bench: Bench) throws {
        guard now >= nextSample else { return }
        nextSample = now + Self.sampleInterval
        let point = try Point(at: now, host, sibling)
        points.append(point)
        bench.progress(
            "\(Format.count(point.seconds)) s: \(rounds) rounds, supervisor \(Format.megabytes(point.supervisorBytes)), "
                + "\(point.descriptors) descriptors")
    }

    func outcome(changing: Load.Tally, sibling: Load.Tally, isSiblingUnchanged: Bool) -> Soak.Outcome {
        var complaints = leaks
        if changing.unexplained > 0 { complaints.append("requests failed for no kill: \(changing.failureList)") }
        if sibling.failed > 0 { complaints.append("requests to the sibling failed: \(sibling.failureList)") }
        if !isSiblingUnchanged { complaints.append("the sibling's process was replaced") }
        if changing.answered <= rounds || sibling.answered <= rounds { complaints.append("there was next to no load") }
        let answers = Format.count(changing.answered + sibling.answered)
        let verdict = complaints.isEmpty ? "All is well." : complaints.map { "FAILED: \($0)" }.joined(separator: "\n")
        return Soak.Outcome(
            text: """
                \(rounds) rounds of reload and SIGKILL, \(answers) answers; serving again after \
                \(Format.milliseconds(recovery.median ?? 0)) at the median, \
                \(Format.milliseconds(recovery.greatest ?? 0)) at most

                \(table)
                \(verdict)
                """,
            complaints: complaints)
    }

    /// Growth from the end of the first tenth (the caches are warm then) to the quiet end.
    private var leaks: [String] {
        guard let end, points.count > 1 else { return [] }
        let start = points[max(1, points.count / 10)]
        var complaints: [String] = []
        for (name, before, after) in [
            ("the supervisor", start.supervisorBytes, end.supervisorBytes),
            ("the sibling", start.siblingBytes, end.siblingBytes),
        ] where after - before > Self.allowedGrowth {
            complaints.append("\(name)'s memory grew from \(Format.megabytes(before)) to \(Format.megabytes(after))")
        }
        if end.descriptors > Self.allowedDescriptors {
            complaints.append("the supervisor holds \(end.descriptors) descriptors with nothing left to drain")
        }
        if end.siblingDescriptors > Self.allowedDescriptors {
            complaints.append("the sibling holds \(end.siblingDescriptors) descriptors without a client")
        }
        if end.threads > start.threads { complaints.append("the supervisor has \(end.threads) threads") }
        if end.children != 2 { complaints.append("the supervisor has \(end.children) children where 2 should be") }
        return complaints
    }

    private var table: String {
        // At most some twenty lines, evenly over the time.
        let step = max(1, points.count / 20)
        let shown = points.enumerated().filter { $0.offset % step == 0 }.map(\.element) + (end.map { [$0] } ?? [])
        return Table(
            header: [
                "s", "supervisor RSS", "descriptors", "threads", "children", "sibling RSS", "sibling descriptors",
            ],
            rows: shown.map {
                [
                    Format.count($0.seconds), Format.megabytes($0.supervisorBytes), "\($0.descriptors)",
                    "\($0.threads)",
                    "\($0.children)", Format.megabytes($0.siblingBytes), "\($0.siblingDescriptors)",
                ]
            }
        ).markdown
    }
}
