/// One run of wrk, and what it said.
struct WrkRun: Equatable {
    var requestsPerSecond: Double
    var requests: Int
    /// Answers that were not 2xx or 3xx, and failed connects, reads and writes.
    var errors: Int

    /// Loads `url` from `core` over keep-alive connections, on one thread.
    static func load(
        _ endpoint: Endpoint, path: String, isTLS: Bool = false, connections: Int, seconds: Int, core: Int,
        scratch: Scratch
    ) throws -> WrkRun {
        guard let program = Files.program("wrk") else {
            throw BenchError("wrk is missing; install it with: apt-get install wrk")
        }
        let output = try Child.output(
            of: [
                program, "-t1", "-c\(connections)", "-d\(seconds)s", "\(isTLS ? "https" : "http")://\(endpoint)\(path)",
            ],
            core: core,
            seconds: Double(seconds) + 20, scratch: scratch)
        guard let run = WrkRun(output: output) else { throw BenchError("wrk said what is not understood: \(output)") }
        guard run.errors == 0 else { throw BenchError("wrk met \(run.errors) errors: \(output)") }
        return run
    }

    /// nil where it is not what wrk writes.
    init?(output: String) {
        var rate: Double?
        var total: Int?
        errors = 0
        for line in output.split(separator: "\n") {
            let words = line.split { $0 == " " || $0 == "," }
            if words.first == "Requests/sec:" { rate = words.dropFirst().first.flatMap { Double($0) } }
            if words.count > 2, words[1] == "requests", words[2] == "in" { total = Int(words[0]) }
            if line.contains("Socket errors:") { errors += words.compactMap { Int($0) }.reduce(0, +) }
            if line.contains("Non-2xx") { errors += words.last.flatMap { Int($0) } ?? 1 }
        }
        guard let rate, let total else { return nil }
        requestsPerSecond = rate
        requests = total
    }
}
