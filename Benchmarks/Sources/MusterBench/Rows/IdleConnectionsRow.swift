import Glibc

/// Row 7: what an idle keep-alive connection holds.
enum IdleConnectionsRow: Row {
    static let number = 7
    static let title = "10,000 idle keep-alive connections"
    static let goal = "≤ 8 KB each"
    private static let connections = 10_000

    static func measure(_ bench: Bench) throws -> [Measurement] {
        // This process's own, and those of the worker, which inherits the limit.
        try System.raiseDescriptorLimit(to: UInt64(connections + 1000))
        var grown = Sample()
        var resident = Sample()
        let runs = bench.isQuick ? 1 : 5
        for run in 0..<runs {
            bench.progress("row 7: run \(run + 1) of \(runs)")
            let (pss, rss) = try measureOnce(bench)
            grown.add(pss)
            resident.add(rss)
        }
        let each = (grown.median ?? .infinity) / Double(connections)
        return [
            Measurement(
                row: "7",
                what: "\(Format.count(connections)) idle keep-alive connections: the worker's memory for each",
                ours: kilobytes(each), peer: "", result: kilobytes(each), goal: goal,
                verdict: Measurement.verdict(each <= 8192),
                notes: [
                    "growth of the worker's PSS after each connection had one answer; by RSS "
                        + "\(kilobytes((resident.median ?? 0) / Double(connections))); the kernel's socket memory is not "
                        + "counted; all answered once more afterwards"
                ],
                numbers: ["pss_bytes_each": each, "rss_bytes_each": (resident.median ?? 0) / Double(connections)])
        ]
    }

    /// Growth of PSS and RSS, bytes.
    private static func measureOnce(_ bench: Bench) throws -> (Double, Double) {
        var component = try bench.distributor()
        component.limits = [("max_connections", "\(connections + 100)"), ("idle_timeout", "10m")]
        let host = try MusterHost(
            HostConfiguration(components: [component]), program: bench.program, scratch: bench.scratch)
        try host.startAndServe()
        defer { host.stop() }
        let pid = try host.workerPID(of: component.name)
        let before = try memory(pid)
        let request = ClientConnection.request(component.path)
        var clients: [ClientConnection] = []
        defer { clients = [] }
        for number in 0..<connections {
            let source = Endpoint(source: 2 + UInt32(number % 8))
            let client = try ClientConnection(to: component.endpoint, from: source, bufferSize: 1024)
            try client.send(request)
            _ = try client.receive(expecting: Bench.smallFile)
            clients.append(client)
        }
        let after = try memory(pid)
        // Every one was open while the worker was weighed.
        for client in clients {
            try client.send(request)
            _ = try client.receive(expecting: Bench.smallFile)
        }
        guard try host.workerPID(of: component.name) == pid else {
            throw BenchError("the worker was replaced meanwhile")
        }
        return (after.pss - before.pss, after.rss - before.rss)
    }

    private static func memory(_ pid: pid_t) throws -> (pss: Double, rss: Double) {
        guard let pss = ProcessFacts.memory(pid, "Pss"), let rss = ProcessFacts.memory(pid, "Rss") else {
            throw BenchError("cannot read /proc/\(pid)/smaps_rollup; run the benchmark as root")
        }
        return (pss, rss)
    }

    private static func kilobytes(_ bytes: Double) -> String { Format.number(bytes / 1024, decimals: 1) + " KB" }
}
