import ArgumentParser

@main
struct MusterBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "muster-bench",
        abstract: "Measures Muster against the numbers it promises, side by side with nginx.",
        discussion: """
            Prints a table as Markdown. docs/performance.md tells how each row is measured. The rows:

            \(rows.map { "  \($0.number)  \($0.title)" }.joined(separator: "\n"))

            Exits with 1 where a row could not be measured; a goal that is not reached is not an error.
            """)

    static let rows: [any Row.Type] = [
        SmallFileRow.self, LargeFileRow.self, ABICostRow.self, ReloadRow.self, CrashRow.self, StartRow.self,
        IdleConnectionsRow.self, TLSRow.self,
    ]

    @OptionGroup var installation: Installation

    @Option(help: ArgumentHelp("Only these rows.", valueName: "1,4"))
    var rows: String?

    @Flag(help: "Fewer and shorter runs: to try it out, not to publish.")
    var quick = false

    @Flag(help: "Print JSON instead of the table.")
    var json = false

    func validate() throws { _ = try chosenRows() }

    private func chosenRows() throws -> [any Row.Type] {
        guard let rows else { return Self.rows }
        return try rows.split(separator: ",", omittingEmptySubsequences: false).map { word in
            guard let row = Self.rows.first(where: { "\($0.number)" == word }) else {
                throw ValidationError("There is no row '\(word)'; rows are 1 to \(Self.rows.count), as in --rows 1,4.")
            }
            return row
        }
    }

    func run() throws {
        try Interruption.watch()
        let bench = try installation.bench(isQuick: quick)
        defer { bench.scratch.remove() }
        let began = monotonicNow()
        let machine = MachineFacts(host: bench.program, scratch: bench.scratch)
        var lines: [Measurement] = []
        for row in try chosenRows() { lines += row.lines(bench) }
        let report = Report(
            machine: machine, command: "make bench\(makeArguments)", isQuick: quick,
            seconds: Double(monotonicNow() - began) / 1e9, rows: lines)
        print(json ? report.json : report.markdown)
        if lines.contains(where: { $0.verdict == .failed }) { throw ExitCode.failure }
    }

    /// The options given, as `make bench` takes them.
    private var makeArguments: String {
        let options = [rows.map { "--rows \($0)" }, quick ? "--quick" : nil].compactMap { $0 }
        return options.isEmpty ? "" : " BENCH=\"\(options.joined(separator: " "))\""
    }
}
