public import PluginKit

/// What the operator says of a folder that is served.
public struct FolderOptions: OptionGroup {
    @Option(help: "The folder whose files are served; it must exist when the component starts.")
    public var root: Path

    @Option(length: 0...200, help: "The Cache-Control field of every file, for caches on the way; empty: none.")
    public var cacheControl = "no-cache"

    let cache = Cache()

    public init() {}

    struct Cache: OptionGroup {
        @Option(in: 64...1_000_000, unit: "files", help: "How many files are kept open between requests.")
        var openFiles = 256

        @Option(in: .mebibytes(8)...ByteCount.gibibytes(64), help: "How much memory the contents of small files take.")
        var memory = ByteCount.mebibytes(64)

        @Option(in: .bytes(0)...ByteCount.kibibytes(512), help: "Files up to this size are kept in memory, not open.")
        var smallFile = ByteCount.kibibytes(64)
    }
}
