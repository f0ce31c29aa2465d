import ArgumentParser
import Glibc

struct SoakCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "soak",
        abstract: "Reloads and kills workers under load for a long time, and watches for leaks.",
        discussion: """
            Repeats: a reload that changes one component, then SIGKILL of its worker, all under load. Exits with 1 where a
            connect was refused, a sibling failed, or the host's descriptors, threads, children or memory grew.
            """)

    @OptionGroup var installation: Installation

    @Option(help: ArgumentHelp("How long.", valueName: "minutes"))
    var minutes = 30.0

    func validate() throws {
        guard minutes > 0, minutes <= 24 * 60 else {
            throw ValidationError("--minutes is more than 0 and at most 1440.")
        }
    }

    func run() throws {
        try Interruption.watch()
        let bench = try installation.bench(isQuick: false)
        defer { bench.scratch.remove() }
        let outcome = try Soak(bench, minutes: minutes).run()
        print(outcome.text)
        if !outcome.complaints.isEmpty { throw ExitCode.failure }
    }
}
