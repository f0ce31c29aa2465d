public import PluginKit

/// What the operator says of a folder that is served.
public struct FolderOptions: OptionGroup {
    @Option(help: "The folder whose files are served; it must exist when the component starts.")
    public var repository: Path

    @Option(length: 0...200, help: "The Cache-Control field of every file, for caches on the way; empty: none.")
    public var cacheControl = "no-cache"

    let cache = FolderCacheOptions()

    public init() {}
}

/// What is kept of a served folder between requests.
public struct FolderCacheOptions: OptionGroup {
    @Option(in: 64...1_000_000, unit: "files", help: "How many files are kept open between requests.")
    var openFiles = 256

    @Option(in: .mebibytes(8)...ByteCount.gibibytes(64), help: "How much memory the contents of small files take.")
    var memory = ByteCount.mebibytes(64)

    @Option(in: .bytes(0)...ByteCount.kibibytes(512), help: "Files up to this size are kept in memory, not open.")
    var smallFile = ByteCount.kibibytes(64)

    public init() {}
}

/// A folder to be served, whatever options it comes from.
public struct ServedFolder: Sendable {
    public var path: Path
    public var cacheControl: String
    public var cache: FolderCacheOptions
    /// Whether it may come into being later: until then, none of its files is found.
    public var mayAppearLater: Bool
    /// The options to blame.
    public var options: (path: OptionReference, cacheControl: OptionReference)

    public init(
        _ path: Path, cacheControl: String, cache: FolderCacheOptions, mayAppearLater: Bool = false,
        blaming options: (path: OptionReference, cacheControl: OptionReference)
    ) {
        self.path = path
        self.cacheControl = cacheControl
        self.cache = cache
        self.mayAppearLater = mayAppearLater
        self.options = options
    }

    public init(_ options: FolderOptions) {
        self.init(
            options.repository, cacheControl: options.cacheControl, cache: options.cache,
            blaming: (options.$repository, options.$cacheControl))
    }
}
