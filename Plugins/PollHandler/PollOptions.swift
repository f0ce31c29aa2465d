import JobHandling
public import PluginKit

/// What the operator says of polls.
public struct PollOptions: OptionGroup {
    @Option(length: 1...2, help: "The sides it is on: the company server's, a workstation's, or both.")
    var roles: [HandlerRole]

    @Option(help: "The folder of this machine's identity, to ring doorbells with; needed for the role 'server'.")
    var identity: Path?

    @Option(in: 1...10_000, unit: "doorbells", help: "How many clients a second are told of a new poll.")
    var doorbellsPerSecond = 200

    public init() {}
}
