import Glibc

/// Row 5: workers killed under load.
enum CrashRow: Row {
    static let number = 5
    static let title = "SIGKILL a worker 1,000 times under load"
    static let goal = "0 refused; siblings 0 failed; ≤ 100 ms"

    static func measure(_ bench: Bench) throws -> [Measurement] {
        let kills = bench.isQuick ? 50 : 1000
        let victim = try bench.distributor()
        let sibling = try bench.hello("HelloC")
        let host = try MusterHost(
            // Without it, the sixth crash in 30 s would wait a second before its restart, as it should.
            HostConfiguration(components: [victim, sibling], supervision: [("restart_limit", "100000")]),
            program: bench.program, scratch: bench.scratch)
        try host.startAndServe()
        defer { host.stop() }
        let siblingPID = try host.workerPID(of: sibling.name)
        let target = try host.target(of: victim.name)
        let load = try Load(host.targets(), limitSeconds: 240)
        var times = Sample()
        var probes = Load.Tally()
        do {
            for number in 1...kills {
                try load.checkStillRunning(doing: "before kill \(number) of \(kills)")
                times.add(try killAndWait(target, host, &probes))
                if number % 100 == 0 { bench.progress("row 5: \(number) kills, \(load.answers) answers") }
            }
        } catch {
            let tallies = load.stop()
            throw BenchError(
                "after \(times.values.count) kills: \(error); failures so far: \(tallies.total.failureList)")
        }
        let tallies = load.stop()
        let isSiblingUnchanged = try host.workerPID(of: sibling.name) == siblingPID
        var ofVictim = tallies.total(of: victim.name)
        ofVictim.add(probes)
        return report(kills, times, ofVictim, tallies.total(of: sibling.name), isSiblingUnchanged)
    }

    /// Kills the worker of the target's component and gives the nanoseconds until a request on a new connection was answered.
    static func killAndWait(
        _ target: Load.Target, _ host: MusterHost, _ probes: inout Load.Tally
    ) throws -> Double {
        let pid = try poll("\(target.component) runs again", within: 30) { try host.workers()[target.component] }
        let began = monotonicNow()
        guard kill(pid, SIGKILL) == 0 else { throw BenchError("cannot kill process \(pid): \(describe(errno: errno))") }
        // A connection that the dying process accepts would say nothing of the next one.
        while !ProcessFacts.hasEnded(pid) {
            guard monotonicNow() - began < 10_000_000_000 else { throw BenchError("process \(pid) outlives SIGKILL") }
            sched_yield()
        }
        let request = ClientConnection.request(target.path, close: true)
        while true {
            do throws(Failure) {
                let connection = try ClientConnection(to: target.endpoint)
                try connection.send(request)
                _ = try connection.receive(expecting: target.body)
                return Double(monotonicNow() - began)
            } catch {
                probes.failures[error, default: 0] += 1
                guard monotonicNow() - began < 30_000_000_000 else {
                    throw BenchError("\(target.component) does not serve 30 s after it was killed: \(error)")
                }
            }
        }
    }

    private static func report(
        _ kills: Int, _ times: Sample, _ victim: Load.Tally, _ sibling: Load.Tally, _ isSiblingUnchanged: Bool
    ) -> [Measurement] {
        let median = times.median ?? .infinity
        return [
            Measurement(
                row: "5a", what: "SIGKILL a worker \(Format.count(kills)) times under load: connects refused",
                ours: "\(Format.count(victim.answered)) answered", peer: "",
                result: "\(victim.refused) refused", goal: "0 refused",
                verdict: Measurement.verdict(victim.refused == 0 && victim.unexplained == 0 && victim.answered > kills),
                notes: [
                    "requests cut by a kill, which had been accepted: \(victim.failed - victim.unexplained) "
                        + "(\(victim.failureList))"
                ],
                numbers: [
                    "kills": Double(kills), "answered": Double(victim.answered), "refused": Double(victim.refused),
                    "cut": Double(victim.failed - victim.unexplained), "other_failures": Double(victim.unexplained),
                ]),
            Measurement(
                row: "5b", what: "the same: requests to the sibling",
                ours: "\(Format.count(sibling.answered)) answered",
                peer: "", result: "\(sibling.failed) failed", goal: "0 failed",
                verdict: Measurement.verdict(sibling.failed == 0 && sibling.answered > kills && isSiblingUnchanged),
                notes: [
                    "failures: \(sibling.failureList); slowest answer \(Format.milliseconds(Double(sibling.slowest))); "
                        + "its process " + (isSiblingUnchanged ? "is the same" : "CHANGED")
                ],
                numbers: ["answered": Double(sibling.answered), "failed": Double(sibling.failed)]),
            Measurement(
                row: "5c", what: "the same: from SIGKILL to the next answer on a new connection, median",
                ours: Format.milliseconds(median), peer: "", result: Format.milliseconds(median), goal: "≤ 100 ms",
                verdict: Measurement.verdict(median <= 100e6),
                notes: [
                    "99 % within \(Format.milliseconds(times.percentile(0.99) ?? 0)), "
                        + "all within \(Format.milliseconds(times.greatest ?? 0))"
                ],
                numbers: [
                    "median_ms": median / 1e6, "p99_ms": (times.percentile(0.99) ?? 0) / 1e6,
                    "greatest_ms": (times.greatest ?? 0) / 1e6,
                ]),
        ]
    }
}
