import Glibc

/// The same by instructions, which do not vary with the machine's mood. They are counted in user mode by valgrind, since
/// a virtual machine often has no counters of its own.
extension ABICostRow {
    private static let what = "user instructions a request through the ABI, against the same handler compiled in"
    private static let connections = 64

    /// - Parameter userShare: the part of a request's time that is in user mode, to say what the instructions mean for
    ///   the whole request.
    static func measureInstructions(_ bench: Bench, userShare: Double) -> Measurement {
        do {
            guard let valgrind = Files.program("valgrind") else {
                throw BenchError("valgrind is missing; install it with: apt-get install valgrind")
            }
            bench.progress("row 3: counting instructions")
            let muster = try stripped(bench.program, bench)
            let server = try stripped("\(bench.products)/fixed-answer-host", bench)
            let plugin = try perRequest(bench) { log, requests in
                let worker = try BareWorker(
                    bench, program: muster, component: "FixedAnswer", listener: "web",
                    plugin: "\(bench.products)/libFixedAnswer.so",
                    under: command(valgrind, log))
                try exchange(requests, with: worker.endpoint)
                let status = try worker.stop()
                guard status == 0 else { throw BenchError("the worker under valgrind ended with \(status)") }
            }
            let compiledIn = try perRequest(bench) { log, requests in
                let server = try CompiledInServer(bench, program: server, core: nil, under: command(valgrind, log))
                try exchange(requests, with: server.endpoint)
                kill(server.process.pid, SIGTERM)
                let status = try server.process.waitForExit(within: 60)
                guard status == 0 else { throw BenchError("the server under valgrind ended with \(status)") }
            }
            return report(plugin, compiledIn, userShare)
        } catch {
            return .failure("3b", what, goal: goal, error)
        }
    }

    private static func report(_ plugin: Double, _ compiledIn: Double, _ userShare: Double) -> Measurement {
        let ofUser = plugin / compiledIn - 1
        let ofRequest = ofUser * userShare
        return Measurement(
            row: "3b", what: what, ours: Format.count(plugin), peer: Format.count(compiledIn),
            result: Format.percent(ofRequest), goal: goal, verdict: Measurement.verdict(ofRequest <= greatestCost),
            notes: [
                "\(Format.count(plugin - compiledIn)) instructions more, \(Format.percent(ofUser)) of those in user mode; "
                    + "the result is of the whole request, the kernel's part included"
            ],
            numbers: [
                "plugin_instructions_per_request": plugin, "compiled_in_instructions_per_request": compiledIn,
                "cost_fraction_of_user_mode": ofUser, "cost_fraction": ofRequest,
            ])
    }

    /// A copy without debug information: valgrind 3.19 gives up over what Swift's compiler writes.
    private static func stripped(_ program: String, _ bench: Bench) throws -> String {
        let copy = "\(bench.scratch.path)/\(program.split(separator: "/").last ?? "program")"
        _ = try Child.output(of: ["strip", "--strip-debug", "-o", copy, program], seconds: 60, scratch: bench.scratch)
        return copy
    }

    private static func command(_ valgrind: String, _ log: String) -> [String] {
        [valgrind, "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null", "--log-file=\(log)"]
    }

    /// What one request adds: two counts of whole processes, with many requests and with few.
    private static func perRequest(_ bench: Bench, _ run: (_ log: String, _ requests: Int) throws -> Void) throws
        -> Double
    {
        let few = 50 * connections
        let many = (bench.isQuick ? 100 : 250) * connections
        let counts = try [few, many].map { requests in
            let log = "\(bench.scratch.path)/valgrind-\(monotonicNow())"
            try run(log, requests)
            guard let text = Files.text(log), let count = instructions(inLog: text) else {
                throw BenchError("valgrind gave no count: \((Files.text(log) ?? "").suffix(500))")
            }
            return count
        }
        return (counts[1] - counts[0]) / Double(many - few)
    }

    /// The number after `I refs:` (cachegrind's summary).
    static func instructions(inLog text: String) -> Double? {
        for line in text.split(separator: "\n") where line.contains("refs:") && line.contains(" I ") {
            return line.split(separator: ":").last.flatMap { Double($0.filter { $0.isNumber }) }
        }
        return nil
    }

    /// Exactly so many requests over all connections: one on each, then the answers of all.
    private static func exchange(_ requests: Int, with endpoint: Endpoint) throws {
        let clients = try (0..<connections).map { _ in try ClientConnection(to: endpoint, timeoutSeconds: 60) }
        let request = ClientConnection.request("/")
        let body = [UInt8](repeating: UInt8(ascii: "x"), count: 512)
        for _ in 0..<(requests / connections) {
            for client in clients { try client.send(request) }
            for client in clients { _ = try client.receive(expecting: body) }
        }
    }
}
