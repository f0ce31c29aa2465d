import Glibc

/// Row 2: a 100 MB file, against nginx with sendfile.
enum LargeFileRow: Row {
    static let number = 2
    static let title = "100 MB file over HTTP: bytes/s"
    static let goal = "≥ 1.00×"
    private static let size = 100_000_000
    /// Downloads in a run, one after the other, each on a connection of its own.
    private static let downloads = 5

    static func measure(_ bench: Bench) throws -> [Measurement] {
        let content = Bench.pattern(size)
        try Files.write(content, to: "\(bench.site())/large.bin")
        let component = try bench.distributor()
        let host = try MusterHost(
            HostConfiguration(components: [component], loops: 1), program: bench.program, core: Bench.serverCore,
            scratch: bench.scratch)
        try host.startAndServe()
        defer { host.stop() }
        let nginx = try NginxServer(
            .asInstalled, root: bench.site(), core: Bench.serverCore, ports: bench.ports, scratch: bench.scratch)
        defer { nginx.stop() }
        try System.confine(toCore: Bench.loadCore)
        // Both send the right bytes, and have the file in the page cache.
        for endpoint in [component.endpoint, nginx.endpoint] { try check(endpoint, content) }
        let contenders = [
            (component.endpoint, try host.workerPID(of: component.name)), (nginx.endpoint, try nginx.workerPID()),
        ]
        var rates = [Sample(), Sample()]
        var processor = [Sample(), Sample()]
        let rounds = bench.isQuick ? 3 : 31
        for round in 0..<rounds {
            for index in round % 2 == 0 ? [0, 1] : [1, 0] {
                let (endpoint, pid) = contenders[index]
                let meter = ProcessorMeter(pid)
                let began = monotonicNow()
                for _ in 0..<downloads { try download(endpoint) }
                let seconds = Double(monotonicNow() - began) / 1e9
                rates[index].add(Double(downloads * size) / seconds)
                processor[index].add((meter?.read()?.processorNanoseconds ?? 0) / Double(downloads) / 1e6)
            }
        }
        let ratios = Sample(zip(rates[0].values, rates[1].values).map { $0 / $1 })
        let ratio = ratios.median ?? 0
        return [
            Measurement(
                row: "2", what: "100 MB file over HTTP, against nginx as installed (sendfile)",
                ours: gigabytes(rates[0]), peer: gigabytes(rates[1]), result: Format.ratio(ratio), goal: goal,
                verdict: Measurement.verdict(ratio >= 1),
                notes: [
                    "processor time a file: \(Format.number(processor[0].median ?? 0, decimals: 1)) ms ours, "
                        + "\(Format.number(processor[1].median ?? 0, decimals: 1)) ms the peer's; ratios from "
                        + "\(Format.ratio(ratios.least ?? 0)) to \(Format.ratio(ratios.greatest ?? 0)) in \(rounds) rounds"
                ],
                numbers: [
                    "ours_bytes_per_second": rates[0].median ?? 0, "peer_bytes_per_second": rates[1].median ?? 0,
                    "ratio": ratio,
                ])
        ]
    }

    private static func gigabytes(_ sample: Sample) -> String {
        Format.number((sample.median ?? 0) / 1e9, decimals: 2) + " GB/s"
    }

    private static func download(_ endpoint: Endpoint) throws {
        let connection = try ClientConnection(to: endpoint)
        try connection.send(ClientConnection.request("/large.bin", close: true))
        let length = try connection.receiveDiscardingBody()
        guard length == size else { throw BenchError("\(endpoint) sent \(length) of \(size) bytes") }
    }

    private static func check(_ endpoint: Endpoint, _ content: [UInt8]) throws {
        let connection = try ClientConnection(to: endpoint)
        try connection.send(ClientConnection.request("/large.bin", close: true))
        _ = try connection.receive(expecting: content)
    }
}
