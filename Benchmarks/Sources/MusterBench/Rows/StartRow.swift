import ControlProtocol
import Glibc

/// Row 6: how long a start takes, and what an idle host weighs.
enum StartRow: Row {
    static let number = 6
    static let title = "start to all ready; PSS of an idle worker and of the supervisor"
    static let goal = "≤ 300 ms; ≤ 10 MB; ≤ 6 MB"
    /// How long a worker has been idle when it is weighed, so that its first pulses are in.
    private static let idleSeconds = 3.0

    static func measure(_ bench: Bench) throws -> [Measurement] {
        let components = [
            try bench.service(), try bench.distributor(), try bench.hello("HelloC"), try bench.hello("HelloSwift"),
        ]
        let host = try MusterHost(
            HostConfiguration(components: components, identity: TLSFiles(bench)), program: bench.program,
            scratch: bench.scratch)
        defer { host.stop() }
        // The first start of all copies the plugins into the data directory; it is told apart.
        let first = try start(host)
        host.stop()
        var times = Sample()
        var supervisor = Sample()
        var workers: [String: Sample] = [:]
        let starts = bench.isQuick ? 3 : 11
        let weighings = bench.isQuick ? 1 : 5
        for number in 0..<starts {
            times.add(try start(host))
            if number < weighings { try weigh(host, &supervisor, &workers) }
            host.stop()
        }
        return report(components.map(\.name), first, times, supervisor, workers)
    }

    /// From just before the process exists to the last component's first answer, nanoseconds.
    private static func start(_ host: MusterHost) throws -> Double {
        let began = monotonicNow()
        try host.startAndServe()
        return Double(monotonicNow() - began)
    }

    private static func weigh(_ host: MusterHost, _ supervisor: inout Sample, _ workers: inout [String: Sample]) throws
    {
        let status = try poll("every worker is idle for \(idleSeconds) s", within: 30, everyMicroseconds: 100_000) {
            let status = try host.status()
            return status.components.allSatisfy { ($0.uptimeSeconds ?? 0) >= idleSeconds } ? status : nil
        }
        supervisor.add(try pss(host.supervisorPID))
        for component in status.components {
            guard let pid = component.pid else { throw BenchError("\(component.name) does not run") }
            workers[component.name, default: Sample()].add(try pss(pid))
        }
    }

    private static func pss(_ pid: pid_t) throws -> Double {
        guard let bytes = ProcessFacts.memory(pid, "Pss") else {
            throw BenchError("cannot read /proc/\(pid)/smaps_rollup; run the benchmark as root")
        }
        return bytes
    }

    private static func report(
        _ components: [String], _ first: Double, _ times: Sample, _ supervisor: Sample, _ workers: [String: Sample]
    ) -> [Measurement] {
        let start = times.median ?? .infinity
        let heaviest = workers.values.compactMap(\.median).max() ?? .infinity
        let weight = supervisor.median ?? .infinity
        let each = workers.map { "\($0.key) \(Format.megabytes($0.value.median ?? 0))" }.sorted().joined(
            separator: ", ")
        return [
            Measurement(
                row: "6a", what: "start to all ready: \(components.count) components exist so far",
                ours: Format.milliseconds(start), peer: "", result: Format.milliseconds(start), goal: "≤ 300 ms",
                verdict: Measurement.verdict(start <= 300e6),
                notes: [
                    "\(components.joined(separator: ", ")); to the last one's first answer; \(times.values.count) starts, "
                        + "\(Format.milliseconds(times.least ?? 0)) to \(Format.milliseconds(times.greatest ?? 0)); the "
                        + "very first, which copies the plugins, \(Format.milliseconds(first))"
                ],
                numbers: ["median_ms": start / 1e6, "first_ms": first / 1e6, "components": Double(components.count)]),
            Measurement(
                row: "6b", what: "PSS of an idle worker, the heaviest component's", ours: Format.megabytes(heaviest),
                peer: "", result: Format.megabytes(heaviest), goal: "≤ 10 MB",
                verdict: Measurement.verdict(heaviest <= 10 * 1_048_576),
                notes: [
                    "\(each); pages are shared by the \(components.count + 1) processes of this host, and those of Swift's "
                        + "libraries by the benchmark too"
                ],
                numbers: workers.reduce(into: [:]) { $0["pss_bytes_" + $1.key] = $1.value.median ?? 0 }),
            Measurement(
                row: "6c", what: "PSS of the supervisor", ours: Format.megabytes(weight), peer: "",
                result: Format.megabytes(weight), goal: "≤ 6 MB", verdict: Measurement.verdict(weight <= 6 * 1_048_576),
                numbers: ["pss_bytes": weight]),
        ]
    }
}
