import FileServing
public import PluginKit

/// What the operator says of UpdateService. Without `upstream.url` it only serves.
public struct ServiceOptions: OptionGroup {
    @Option(
        help:
            "The folder of the repository that is served. With an upstream it is made and written; without one it must exist."
    )
    public var repository: Path

    @Option(length: 0...200, help: "The Cache-Control field of every file, for caches on the way; empty: none.")
    public var cacheControl = "no-cache"

    @Option(length: 0...1000, help: "Services of the same kind that are told of each publication: https://host:443.")
    public var downstreams: [WebURL] = []

    @Option(
        in: Duration.seconds(60)...Duration.seconds(365 * 86400),
        help: "How long files that no publication names any more are still served.")
    public var grace = Duration.seconds(7 * 86400)

    @Option(help: "The folder of an identity, which is shown to the upstream and to downstreams.")
    public var identity: Path?

    let upstream = UpstreamOptions()
    let cache = FolderCacheOptions()

    public init() {}
}

/// Where the repository comes from.
struct UpstreamOptions: OptionGroup {
    @Option(help: "The repository that is mirrored: a vendor's, or another UpdateService.")
    var url: WebURL?

    @Option(help: "The root.json of the repository's publisher, from a source you trust; needed with url.")
    var root: Path?

    @Option(
        help:
            "A PEM file of the authorities that vouch for the upstream; by default the identity's, and the system's without an identity."
    )
    var authority: Path?

    @Option(help: "Whom the upstream's certificate must name; by default the host of the URL.")
    var peer: String?

    @Option(
        in: Duration.seconds(10)...Duration.seconds(30 * 86400), help: "How often to look for updates.")
    var interval = Duration.seconds(3600)

    @Option(
        in: Duration.zero...Duration.seconds(86400),
        help: "Up to how much is added to the interval at random, so that mirrors do not come all at once.")
    var jitter = Duration.seconds(300)

    @Option(
        length: 0...100,
        help:
            "Patterns of the targets that are mirrored; * and ? stop at a slash, and a pattern that ends in one takes all below. By default all."
    )
    var targets: [String] = []

    @Option(in: .bytes(0)...ByteCount.gibibytes(100), help: "How many bytes a second are fetched; 0: no bound.")
    var bandwidth = ByteCount.bytes(0)

    @Option(
        in: Duration.seconds(1)...Duration.seconds(3600), help: "How long the upstream may send no byte at all.")
    var stallTimeout = Duration.seconds(30)
}
