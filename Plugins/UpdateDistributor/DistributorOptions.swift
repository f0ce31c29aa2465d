import FileServing
public import PluginKit

/// What the operator says of UpdateDistributor.
public struct DistributorOptions: OptionGroup {
    @Option(help: "The folder of the repository that is served; it may be made later, by UpdateService.")
    public var repository: Path

    @Option(length: 0...200, help: "The Cache-Control field of every file, for caches on the way; empty: none.")
    public var cacheControl = "no-cache"

    let limits = FairnessOptions()
    let cache = FolderCacheOptions()

    public init() {}
}

/// What one client, and all together, may take. Without any of it nothing is counted.
struct FairnessOptions: OptionGroup {
    let perClient = PerClient()
    let total = Total()

    struct PerClient: OptionGroup {
        @Option(
            in: 0...1_000_000, unit: "requests/s",
            help: "Requests a second from one address, and ten seconds' worth at once; 0: no bound.")
        var requests = 0

        @Option(
            in: .bytes(0)...ByteCount.gibibytes(100),
            help: "Bytes a second to one address, on average; 0: no bound. One answer is always sent whole.")
        var bytes = ByteCount.bytes(0)
    }

    struct Total: OptionGroup {
        @Option(
            in: .bytes(0)...ByteCount.gibibytes(1000),
            help: "Bytes a second to all, on average; 0: no bound. Connections are bounded by listen's max_connections."
        )
        var bytes = ByteCount.bytes(0)
    }
}
