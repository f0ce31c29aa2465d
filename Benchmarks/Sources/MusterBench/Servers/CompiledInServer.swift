/// The server that has the plugin FixedAnswer's handler compiled in.
final class CompiledInServer {
    let endpoint: Endpoint
    let process: Child

    /// - Parameters:
    ///   - program: the server's binary; nil: the one beside this program.
    ///   - prefix: a program that runs it: valgrind.
    init(_ bench: Bench, program: String? = nil, core: Int?, under prefix: [String] = []) throws {
        let endpoint = Endpoint(port: try bench.ports.next())
        let output = "\(bench.scratch.path)/compiled-in-\(endpoint.port)"
        let process = try Child(
            prefix + [program ?? "\(bench.products)/fixed-answer-host", "\(endpoint.port)"], core: core, output: output)
        try poll("the compiled-in server listens", within: 60) {
            if let status = process.exited() {
                throw BenchError("fixed-answer-host ended with \(status): \(Files.text(output) ?? "")")
            }
            return (try? ClientConnection(to: endpoint)).map { _ in () }
        }
        self.endpoint = endpoint
        self.process = process
    }

    func stop() { process.stop() }
}
