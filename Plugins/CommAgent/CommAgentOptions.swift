public import PluginKit

/// What the operator says of updates.
public struct CommAgentOptions: OptionGroup {
    @Option(help: "The vendor's root.json: the one thing that is believed from the beginning.")
    var root: Path

    @Option(length: 0...100, help: "The distributor servers' URLs; each workstation asks them in an order of its own.")
    var distributors: [WebURL] = []

    @Option(help: "The URL of the company server's distributor, which is asked last.")
    var companyServer: WebURL?

    @Option(help: "The folder that the definitions are kept in; SweepHandler's option names its link 'current'.")
    var definitions: Path

    @Option(
        in: .seconds(10)...Duration.seconds(7 * 86_400),
        help: "How long after a look for updates the next one comes; up to a fifth is added at random.")
    var interval = Duration.seconds(900)

    @Option(in: .kibibytes(1)...ByteCount.gibibytes(100), help: "How many bytes a second are fetched at most.")
    var bandwidth = ByteCount.gibibytes(100)

    @Option(in: .kibibytes(1)...ByteCount.gibibytes(1024), help: "A set of definitions that is larger is refused.")
    var sizeLimit = ByteCount.gibibytes(4)

    @Option(
        length: 0...200,
        help: "Where other files of the vendor's belong, the first that fits: 'files/rules/* -> /opt/rules'.")
    var install: [String] = []

    @Option(
        length: 0...100,
        help: "The folders below which other files may be installed, whatever the vendor or a policy wishes.")
    var allowedDestinations: [Path] = []

    public init() {}
}
