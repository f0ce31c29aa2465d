import JobHandling
public import PluginKit

/// What the operator says of sweeps.
public struct SweepOptions: OptionGroup {
    @Option(length: 1...2, help: "The sides it is on: the company server's, a workstation's, or both.")
    var roles: [HandlerRole]

    @Option(help: "The folder of this machine's identity, to ring doorbells with; needed for the role 'server'.")
    var identity: Path?

    @Option(in: 1...10_000, unit: "doorbells", help: "How many clients a second are told of a new sweep.")
    var doorbellsPerSecond = 200

    @Option(help: "The folder of the definitions (*.hsb); sweeps fail as long as there are none.")
    var definitions: Path?

    @Option(in: .kibibytes(1)...ByteCount.gibibytes(1024), help: "Larger files are counted and not read.")
    var fileLimit = ByteCount.gibibytes(2)

    @Option(
        length: 0...200,
        help: "Files and folders that are left out: globs of whole paths, in which * stands for slashes as well.")
    var exclude: [String] = []

    public init() {}
}
