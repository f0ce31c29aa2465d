internal import ArgumentParser
internal import Fleet

struct SweepCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep",
        abstract: "Have clients scan their files for threats now.",
        discussion: """
            Without --path the whole machine is swept.

              muster sweep --group office --wait
              muster sweep --client reception --path /home --path /tmp
              muster sweep --all --deadline 2d

            \(JobOrdering.exitCodes)
            """)

    @Option(help: ArgumentHelp("Sweep what is below this; may be given again.", valueName: "path"))
    var path: [String] = []

    @OptionGroup var ordering: JobOrdering

    func validate() throws {
        for path in path where !path.hasPrefix("/") {
            throw ValidationError("--path must be absolute, for it is the clients': \(path)")
        }
    }

    func run() throws {
        let paths = path.map { JSONValue.string($0) }
        try ordering.run(.sweep, parameters: paths.isEmpty ? nil : .object(["paths": .array(paths)]))
    }
}
