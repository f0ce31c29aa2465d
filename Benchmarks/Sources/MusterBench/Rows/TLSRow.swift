import Glibc

/// Row 8: HTTPS, against nginx with the same OpenSSL, certificate and key.
///
/// What is compared is the processor time of the server. Decrypting costs a client as much as encrypting costs the
/// server, and a handshake more, so one core of load does not fill one core of server.
enum TLSRow: Row {
    static let number = 8
    static let title = "HTTPS: 512 B; 1 MB file; full and resumed handshakes: for each second of processor time"
    static let goal = "≥ 1.00×; ≥ 1.50×; ≥ 1.00×; ≥ 1.00×"
    private static let connections = 64

    /// One line of the table.
    private enum Kind: String, CaseIterable {
        case small = "a"
        case large = "b"
        case full = "c"
        case resumed = "d"

        var what: String {
            switch self {
            case .small: "HTTPS 512 B GET, keep-alive, \(connections) connections"
            case .large: "HTTPS 1 MB file, keep-alive, 4 connections"
            case .full: "full TLS 1.3 handshakes, each with a request for 512 B"
            case .resumed: "resumed TLS 1.3 handshakes, each with a request for 512 B"
            }
        }

        var goal: Double { self == .large ? 1.5 : 1 }
        var path: String { self == .large ? "/megabyte.bin" : "/small.bin" }
    }

    private struct Contender {
        var name: String
        var endpoint: Endpoint
        var pid: pid_t
        /// Nanoseconds of processor time for one request or connection.
        var nanoseconds = Sample()
        /// Requests or connections in a second of the clock.
        var rate = Sample()
    }

    static func measure(_ bench: Bench) throws -> [Measurement] {
        try Files.write(Bench.pattern(1_000_000), to: "\(bench.site())/megabyte.bin")
        let identity = try TLSFiles(bench)
        let component = try bench.service()
        let host = try MusterHost(
            HostConfiguration(components: [component], loops: 1, identity: identity), program: bench.program,
            core: Bench.serverCore, scratch: bench.scratch)
        try host.startAndServe()
        defer { host.stop() }
        let variants = [NginxServer.Variant.asInstalled, .leanest]
        let servers = try variants.map {
            try NginxServer(
                $0, root: bench.site(), identity: identity, core: Bench.serverCore, ports: bench.ports,
                scratch: bench.scratch)
        }
        defer { servers.forEach { $0.stop() } }
        var contenders = [
            Contender(name: "muster", endpoint: component.endpoint, pid: try host.workerPID(of: component.name))
        ]
        for (variant, server) in zip(variants, servers) {
            contenders.append(Contender(name: variant.name, endpoint: server.endpoint, pid: try server.workerPID()))
        }
        try System.confine(toCore: Bench.loadCore)
        for contender in contenders { try check(contender, identity) }
        var lines: [Measurement] = []
        for kind in Kind.allCases { lines += try measure(kind, contenders, identity, bench) }
        return lines
    }

    /// Each sends the right bytes.
    private static func check(_ contender: Contender, _ identity: TLSFiles) throws {
        for (path, body) in [("/small.bin", Bench.smallFile), ("/megabyte.bin", Bench.pattern(1_000_000))] {
            let target = TLSTarget(port: contender.endpoint.port, identity: identity, path: path)
            guard try target.get() == body else { throw BenchError("\(contender.name) sent another \(path)") }
        }
    }

    private static func measure(
        _ kind: Kind, _ contenders: [Contender], _ identity: TLSFiles, _ bench: Bench
    ) throws -> [Measurement] {
        var contenders = contenders
        for contender in contenders { _ = try load(contender, kind, 1, identity, bench) }
        for round in 0..<(bench.isQuick ? 2 : 9) {
            bench.progress("row 8\(kind.rawValue): round \(round + 1)")
            for step in contenders.indices {
                let index = (step + round) % contenders.count
                let (nanoseconds, rate) = try load(contenders[index], kind, bench.isQuick ? 1 : 2, identity, bench)
                contenders[index].nanoseconds.add(nanoseconds)
                contenders[index].rate.add(rate)
            }
        }
        return zip(contenders.dropFirst(), ["1", "2"]).map { report(kind, contenders[0], $0, number: $1) }
    }

    /// Processor time for each request or connection, and how many there were in a second.
    private static func load(
        _ contender: Contender, _ kind: Kind, _ seconds: Int, _ identity: TLSFiles, _ bench: Bench
    ) throws -> (Double, Double) {
        let meter = ProcessorMeter(contender.pid)
        let began = monotonicNow()
        let count: Int
        switch kind {
        case .small, .large:
            count = try WrkRun.load(
                contender.endpoint, path: kind.path, isTLS: true, connections: kind == .small ? connections : 4,
                seconds: seconds, core: Bench.loadCore, scratch: bench.scratch
            ).requests
        case .full, .resumed:
            let target = TLSTarget(port: contender.endpoint.port, identity: identity, path: kind.path)
            let made = try target.connect(resumes: kind == .resumed, seconds: Double(seconds))
            let expected = kind == .resumed ? made.count - 1 : 0
            guard made.resumed == expected else {
                throw BenchError("\(contender.name) resumed \(made.resumed) of \(made.count) sessions")
            }
            count = made.count
        }
        let duration = Double(monotonicNow() - began) / 1e9
        guard let reading = meter?.read() else { throw BenchError("\(contender.name): its process is gone") }
        return (reading.processorNanoseconds / Double(max(1, count)), Double(count) / duration)
    }

    private static func report(
        _ kind: Kind, _ ours: Contender, _ peer: Contender, number: String
    ) -> Measurement {
        let ratios = Sample(zip(peer.nanoseconds.values, ours.nanoseconds.values).map { $0 / $1 })
        let ratio = ratios.median ?? 0
        func perSecond(_ contender: Contender) -> String {
            Format.count(1e9 / (contender.nanoseconds.median ?? .infinity)) + "/s"
        }
        func microseconds(_ contender: Contender) -> String {
            Format.number((contender.nanoseconds.median ?? 0) / 1000, decimals: 1) + " µs"
        }
        func rate(_ contender: Contender) -> String { Format.count(contender.rate.median ?? 0) + "/s" }
        return Measurement(
            row: "8\(kind.rawValue)\(number)", what: "\(kind.what), against \(peer.name)", ours: perSecond(ours),
            peer: perSecond(peer), result: Format.ratio(ratio),
            goal: "≥ \(Format.number(kind.goal, decimals: 2))×", verdict: Measurement.verdict(ratio >= kind.goal),
            notes: [
                "for a second of processor time; each takes \(microseconds(ours)) ours, \(microseconds(peer)) the peer's; "
                    + "ratios from \(Format.ratio(ratios.least ?? 0)) to \(Format.ratio(ratios.greatest ?? 0)); by the "
                    + "clock, held back by the load: \(rate(ours)) and \(rate(peer))"
            ],
            numbers: [
                "ours_cpu_ns": ours.nanoseconds.median ?? 0, "peer_cpu_ns": peer.nanoseconds.median ?? 0,
                "ratio": ratio,
            ])
    }
}
