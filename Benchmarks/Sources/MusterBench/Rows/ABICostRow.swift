import Glibc

/// Row 3: what the ABI costs a request, against the same handler compiled into the host.
enum ABICostRow: Row {
    static let number = 3
    static let title = "what the ABI costs a request, against the same handler compiled in"
    static let goal = "≤ 2 %"
    static let greatestCost = 0.02

    static func measure(_ bench: Bench) throws -> [Measurement] {
        let (time, userShare) = try measureTime(bench)
        return [time, measureInstructions(bench, userShare: userShare)]
    }

    /// Processor time a request, in pairs of runs; the order within a pair alternates. Also gives the part of a request's
    /// time that is in user mode.
    private static func measureTime(_ bench: Bench) throws -> (Measurement, Double) {
        let component = HostConfiguration.Component(
            name: "FixedAnswer", listener: "web", port: try bench.ports.next(), path: "/",
            body: [UInt8](repeating: UInt8(ascii: "x"), count: 512))
        let host = try MusterHost(
            HostConfiguration(components: [component], pluginDirectory: bench.products, loops: 1),
            program: bench.program, core: Bench.serverCore, scratch: bench.scratch)
        try host.startAndServe()
        defer { host.stop() }
        let compiledIn = try CompiledInServer(bench, core: Bench.serverCore)
        defer { compiledIn.stop() }
        let servers = [
            (component.endpoint, try host.workerPID(of: component.name)), (compiledIn.endpoint, compiledIn.process.pid),
        ]
        for server in servers { _ = try run(server, seconds: 1, bench) }
        var cost = Sample()
        var rates = [Sample(), Sample()]
        var nanoseconds = [Sample(), Sample()]
        var userShare = Sample()
        let pairs = bench.isQuick ? 6 : 31
        for pair in 0..<pairs {
            bench.progress("row 3: pair \(pair + 1) of \(pairs)")
            for index in pair % 2 == 0 ? [0, 1] : [1, 0] {
                let (rate, time, share) = try run(servers[index], seconds: 1, bench)
                rates[index].add(rate)
                nanoseconds[index].add(time)
                if index == 1 { userShare.add(share) }
            }
            if let plugin = nanoseconds[0].values.last, let direct = nanoseconds[1].values.last {
                cost.add(plugin / direct - 1)
            }
        }
        let share = userShare.median ?? 1
        return (report(cost, rates, nanoseconds, share, pairs), share)
    }

    private static func run(_ server: (Endpoint, pid_t), seconds: Int, _ bench: Bench) throws -> (
        Double, Double, Double
    ) {
        let meter = ProcessorMeter(server.1)
        let run = try WrkRun.load(
            server.0, path: "/", connections: 64, seconds: seconds, core: Bench.loadCore, scratch: bench.scratch)
        guard let reading = meter?.read() else { throw BenchError("a server of row 3 is gone") }
        return (run.requestsPerSecond, reading.processorNanoseconds / Double(max(1, run.requests)), reading.userShare)
    }

    private static func report(
        _ cost: Sample, _ rates: [Sample], _ nanoseconds: [Sample], _ share: Double, _ pairs: Int
    ) -> Measurement {
        let median = cost.median ?? .nan
        let interval = cost.medianInterval
        let verdict: Measurement.Verdict =
            switch interval {
            case .some(let bounds) where bounds.high <= greatestCost: .reached
            case .some(let bounds) where bounds.low > greatestCost: .missed
            default: .undecided
            }
        let bounds = interval.map { "\(Format.percent($0.low)) to \(Format.percent($0.high))" } ?? "too few runs"
        return Measurement(
            row: "3a", what: "processor time a request through the ABI, against the same handler compiled in",
            ours: microseconds(nanoseconds[0]), peer: microseconds(nanoseconds[1]), result: Format.percent(median),
            goal: goal, verdict: verdict,
            notes: [
                "95 % confidence: \(bounds), of \(pairs) pairs; requests/s \(Format.count(rates[0].median ?? 0)) against "
                    + "\(Format.count(rates[1].median ?? 0)); \(Format.number(share * 100, decimals: 0)) % of a request "
                    + "is user mode"
            ],
            numbers: [
                "plugin_cpu_ns_per_request": nanoseconds[0].median ?? 0,
                "compiled_in_cpu_ns_per_request": nanoseconds[1].median ?? 0, "cost_fraction": median,
                "cost_fraction_low": interval?.low ?? .nan, "cost_fraction_high": interval?.high ?? .nan,
            ].filter { $0.value.isFinite })
    }

    private static func microseconds(_ sample: Sample) -> String {
        Format.number((sample.median ?? 0) / 1000, decimals: 2) + " µs"
    }
}
