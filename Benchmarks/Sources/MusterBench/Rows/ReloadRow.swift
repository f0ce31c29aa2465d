import ControlProtocol
import Glibc

/// Row 4: reloads that change one component, under load.
enum ReloadRow: Row {
    static let number = 4
    static let title = "500 reloads changing one component, under load"
    static let goal = "0 failed; other pids unchanged"

    static func measure(_ bench: Bench) throws -> [Measurement] {
        let reloads = bench.isQuick ? 50 : 500
        var changing = try bench.distributor()
        let sibling = try bench.hello("HelloC")
        let host = try MusterHost(
            HostConfiguration(components: [changing, sibling]), program: bench.program, scratch: bench.scratch)
        try host.startAndServe()
        defer { host.stop() }
        let siblingPID = try host.workerPID(of: sibling.name)
        let firstPID = try host.workerPID(of: changing.name)
        let load = try Load(host.targets(), limitSeconds: 360)
        var seconds = Sample()
        let began = monotonicNow()
        do {
            for number in 1...reloads {
                try load.checkStillRunning(doing: "before reload \(number) of \(reloads)")
                changing.options = try bench.distributorOptions(number)
                try host.configure(HostConfiguration(components: [changing, sibling]))
                let receipt = try host.reload()
                try check(receipt, changed: changing.name, number)
                seconds.add(receipt.durationSeconds)
                if number % 50 == 0 { bench.progress("row 4: \(number) reloads, \(load.answers) answers") }
            }
        } catch {
            let tallies = load.stop()
            throw BenchError(
                "after \(seconds.values.count) reloads: \(error); failures so far: \(tallies.total.failureList)")
        }
        let lasted = Double(monotonicNow() - began) / 1e9
        let tallies = load.stop()
        let isSiblingUnchanged = try host.workerPID(of: sibling.name) == siblingPID
        guard try host.workerPID(of: changing.name) != firstPID else {
            throw BenchError("\(changing.name) still runs in its first process: the reloads changed nothing")
        }
        return report(tallies, reloads, seconds, lasted, isSiblingUnchanged, sibling.name)
    }

    private static func check(_ receipt: ReloadReceipt, changed name: String, _ number: Int) throws {
        let outcomes = receipt.components.map { "\($0.name) \($0.outcome.rawValue)" }.joined(separator: ", ")
        guard receipt.result == .committed,
            receipt.components.allSatisfy({ $0.outcome == ($0.name == name ? .restarted : .unchanged) })
        else {
            throw BenchError(
                "reload \(number) was \(receipt.result.rawValue): \(outcomes) \(receipt.diagnostics.joined(separator: " "))"
            )
        }
    }

    private static func report(
        _ tallies: [Load.Group: Load.Tally], _ reloads: Int, _ seconds: Sample, _ lasted: Double,
        _ isSiblingUnchanged: Bool, _ sibling: String
    ) -> [Measurement] {
        let time =
            "a reload takes \(Format.milliseconds((seconds.median ?? 0) * 1e9)) at the median, "
            + "\(Format.milliseconds((seconds.greatest ?? 0) * 1e9)) at most; all of them took "
            + "\(Format.number(lasted, decimals: 1)) s; \(sibling)'s process "
            + (isSiblingUnchanged ? "is the same" : "CHANGED")
        return zip(Load.Style.allCases, "ab").map { style, letter in
            let groups = tallies.filter { $0.key.style == style }
            let tally = groups.total
            return Measurement(
                row: "4\(letter)", what: "\(reloads) reloads changing one component, under load over \(style.rawValue)",
                ours: "\(Format.count(tally.answered)) answered", peer: "",
                result: "\(Format.count(tally.failed)) failed", goal: goal,
                verdict: Measurement.verdict(tally.failed == 0 && tally.answered > reloads && isSiblingUnchanged),
                notes: [
                    groups.map {
                        "\($0.key.component): \(Format.count($0.value.answered)) answers, failures: \($0.value.failureList)"
                    }.sorted().joined(separator: "; ")
                        + "; slowest answer \(Format.milliseconds(Double(tally.slowest))); \(time)"
                ],
                numbers: [
                    "reloads": Double(reloads), "answered": Double(tally.answered), "failed": Double(tally.failed),
                    "reload_seconds_median": seconds.median ?? 0, "sibling_unchanged": isSiblingUnchanged ? 1 : 0,
                ])
        }
    }
}
