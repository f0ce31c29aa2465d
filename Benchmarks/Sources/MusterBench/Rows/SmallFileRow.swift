import Glibc

/// Row 1: 512 B over keep-alive through a plugin and the ABI, against nginx that serves the file.
enum SmallFileRow: Row {
    static let number = 1
    static let title = "512 B GET, keep-alive, one core, 64 connections: requests/s"
    static let goal = "≥ 1.25× nginx as installed; ≥ 1.0× with open_file_cache"
    private static let connections = 64

    private struct Contender {
        var name: String
        var endpoint: Endpoint
        var pid: pid_t
        /// nil: shown without a goal.
        var goal: Double?
        var rate = Sample()
        var nanoseconds = Sample()
        var utilisation = Sample()
    }

    static func measure(_ bench: Bench) throws -> [Measurement] {
        let component = try bench.distributor()
        let host = try MusterHost(
            HostConfiguration(components: [component], loops: 1), program: bench.program, core: Bench.serverCore,
            scratch: bench.scratch)
        try host.startAndServe()
        defer { host.stop() }
        let variants: [(NginxServer.Variant, Double?)] = [
            (.asInstalled, 1.25), (.withoutLog, nil), (.withCache, 1.0), (.leanest, 1.0),
        ]
        let servers = try variants.map {
            try NginxServer(
                $0.0, root: bench.site(), core: Bench.serverCore, ports: bench.ports, scratch: bench.scratch)
        }
        defer { servers.forEach { $0.stop() } }
        var contenders = [
            Contender(name: "muster", endpoint: component.endpoint, pid: try host.workerPID(of: component.name))
        ]
        for ((variant, goal), server) in zip(variants, servers) {
            contenders.append(
                Contender(name: variant.name, endpoint: server.endpoint, pid: try server.workerPID(), goal: goal))
        }
        for contender in contenders { _ = try load(contender, seconds: 1, bench) }
        for round in 0..<bench.rounds {
            bench.progress("row 1: round \(round + 1) of \(bench.rounds)")
            // The first place rotates, so that no contender always follows the same other.
            for step in contenders.indices {
                let index = (step + round) % contenders.count
                let (rate, nanoseconds, utilisation) = try load(contenders[index], seconds: bench.secondsPerRun, bench)
                contenders[index].rate.add(rate)
                contenders[index].nanoseconds.add(nanoseconds)
                contenders[index].utilisation.add(utilisation)
            }
        }
        return report(contenders)
    }

    private static func load(_ contender: Contender, seconds: Int, _ bench: Bench) throws -> (Double, Double, Double) {
        let meter = ProcessorMeter(contender.pid)
        let run = try WrkRun.load(
            contender.endpoint, path: "/small.bin", connections: connections, seconds: seconds, core: Bench.loadCore,
            scratch: bench.scratch)
        guard let reading = meter?.read() else { throw BenchError("\(contender.name): its process is gone") }
        return (run.requestsPerSecond, reading.processorNanoseconds / Double(max(1, run.requests)), reading.utilisation)
    }

    private static func report(_ contenders: [Contender]) -> [Measurement] {
        guard let ours = contenders.first, let ourRate = ours.rate.median else { return [] }
        return zip(contenders.dropFirst(), "abcd").map { peer, letter in
            let ratios = Sample(zip(ours.rate.values, peer.rate.values).map { $0 / $1 })
            let ratio = ratios.median ?? 0
            return Measurement(
                row: "1\(letter)", what: "512 B GET, keep-alive, one core, 64 connections, against \(peer.name)",
                ours: Format.count(ourRate) + "/s", peer: Format.count(peer.rate.median ?? 0) + "/s",
                result: Format.ratio(ratio), goal: peer.goal.map { "≥ \(Format.number($0, decimals: 2))×" } ?? "–",
                verdict: peer.goal.map { Measurement.verdict(ratio >= $0) } ?? .none,
                notes: [
                    "processor time a request: \(microseconds(ours)) ours, \(microseconds(peer)) the peer's; "
                        + "ratios from \(Format.ratio(ratios.least ?? 0)) to \(Format.ratio(ratios.greatest ?? 0))"
                ] + warning(ours, peer),
                numbers: [
                    "ours_requests_per_second": ourRate, "peer_requests_per_second": peer.rate.median ?? 0,
                    "ratio": ratio, "ours_cpu_ns_per_request": ours.nanoseconds.median ?? 0,
                    "peer_cpu_ns_per_request": peer.nanoseconds.median ?? 0,
                ])
        }
    }

    /// A server that does not fill its core was held back by something else than its work.
    private static func warning(_ ours: Contender, _ peer: Contender) -> [String] {
        let held = [ours, peer].filter { ($0.utilisation.median ?? 0) < 0.9 }.map(\.name)
        guard !held.isEmpty else { return [] }
        return [
            "NOT TO BE PUBLISHED: \(held.joined(separator: " and ")) could not use a whole core; something else ran on this "
                + "machine, or the load was too weak"
        ]
    }

    private static func microseconds(_ contender: Contender) -> String {
        Format.number((contender.nanoseconds.median ?? 0) / 1000, decimals: 1) + " µs (core "
            + Format.number((contender.utilisation.median ?? 0) * 100, decimals: 0) + " % busy)"
    }
}
