import ControlProtocol
import Glibc

/// Reloads and crashes under load for a long time.
struct Soak {
    private let bench: Bench
    private let minutes: Double

    init(_ bench: Bench, minutes: Double) {
        self.bench = bench
        self.minutes = minutes
    }

    /// What it came to.
    struct Outcome {
        var text: String
        /// Each a sentence; none: all is well.
        var complaints: [String]
    }

    func run() throws -> Outcome {
        var changing = try bench.distributor()
        let sibling = try bench.hello("HelloC")
        let supervision = [(name: "restart_limit", value: "100000")]
        let host = try MusterHost(
            HostConfiguration(components: [changing, sibling], supervision: supervision), program: bench.program,
            scratch: bench.scratch)
        try host.startAndServe()
        defer { host.stop() }
        let siblingPID = try host.workerPID(of: sibling.name)
        let target = try host.target(of: changing.name)
        let load = try Load(host.targets(), limitSeconds: minutes * 60 + 120)
        var history = SoakHistory()
        var probes = Load.Tally()
        let began = monotonicNow()
        let deadline = began + UInt64(minutes * 60e9)
        do {
            while monotonicNow() < deadline {
                history.rounds += 1
                changing.options = try bench.distributorOptions(history.rounds)
                try host.configure(HostConfiguration(components: [changing, sibling], supervision: supervision))
                let receipt = try host.reload()
                guard receipt.result == .committed else {
                    throw BenchError("a reload was \(receipt.result.rawValue): \(receipt.diagnostics)")
                }
                history.recovery.add(try CrashRow.killAndWait(target, host, &probes))
                try history.takeSample(ifDue: monotonicNow() - began, host, siblingPID, bench)
            }
        } catch {
            let tallies = load.stop()
            throw BenchError("after \(history.rounds) rounds: \(error); failures so far: \(tallies.total.failureList)")
        }
        let tallies = load.stop()
        try waitUntilDrained(host)
        history.end = try SoakHistory.Point(at: monotonicNow() - began, host, siblingPID)
        var ofChanging = tallies.total(of: changing.name)
        ofChanging.add(probes)
        let isSiblingUnchanged = try host.workerPID(of: sibling.name) == siblingPID
        return history.outcome(
            changing: ofChanging, sibling: tallies.total(of: sibling.name), isSiblingUnchanged: isSiblingUnchanged)
    }

    /// Older workers have ended, so that what is still open is what leaked.
    private func waitUntilDrained(_ host: MusterHost) throws {
        try poll("no worker drains any more", within: 90, everyMicroseconds: 100_000) {
            try host.status().components.allSatisfy { $0.draining.isEmpty && $0.state == .running } ? () : nil
        }
    }
}
