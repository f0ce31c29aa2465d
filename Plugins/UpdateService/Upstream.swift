import Locks
import UpdateTrust

/// The repository that is mirrored.
struct Upstream: Sendable {
    /// As the operator wrote it, without a slash at its end.
    let url: String
    /// The root that is trusted because of where it comes from.
    let rootPath: String
    let cache: MetadataCache
    let transport: any UpdateTransport
    var filter = TargetFilter()

    var metadataURL: String { "\(url)/metadata" }
    var targetsURL: String { "\(url)/targets" }

    init(
        url: String, rootPath: String, cache: MetadataCache, transport: any UpdateTransport,
        filter: TargetFilter = TargetFilter()
    ) {
        self.url = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.rootPath = rootPath
        self.cache = cache
        self.transport = transport
        self.filter = filter
    }
}

/// Carries a value out of a closure that another thread runs.
final class ResultBox<Value: Sendable>: Sendable {
    private let value = Locked<Value?>(nil)

    func set(_ value: Value) { self.value.withLock { $0 = value } }

    /// Throws where nothing was set: the closure did not run.
    func get() throws -> Value {
        guard let value = value.withLock({ $0 }) else { throw CancellationError() }
        return value
    }
}
