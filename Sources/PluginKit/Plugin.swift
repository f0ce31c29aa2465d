/// A component of the host: what a plugin author writes.
///
///     final class Greeter: Plugin, RequestHandler {
///         struct Options: OptionGroup { @Option(help: "What is answered.") var greeting = "Hello" }
///         static let front = Listener.http("front", port: 50011, help: "Answers GET /hello.")
///         static let description = PluginDescription(id: …, listeners: [front])
///         …
///     }
///
/// and, in the file of the entry point, one line:
///
///     @c @implementation public func muster_plugin_entry_v1() -> UnsafePointer<muster_plugin>? {
///         PluginEntry.manifest(of: Greeter.self)
///     }
///
/// Its life, all on the worker's one control thread:
///
///     init ─► prepare ═► activate ─► quiesce ─► release ─► stop
///                           ▲                      │
///                           └── the newer one failed: activate again with the released state
///
/// What it throws reaches the operator; nothing it throws crosses into the host. A Swift trap cannot be caught: it ends
/// the worker, which the host replaces.
public protocol Plugin: AnyObject, Sendable {
    associatedtype Options: OptionGroup = NoOptions

    /// The manifest. A constant: nothing is opened, read or started for it.
    static var description: PluginDescription { get }

    /// Makes the component with the operator's checked options, at the beginning of prepare and beside the generation
    /// that is still running.
    init(options: Options, host: Host) throws

    /// Gets ready beside the running generation: checks files, serves listeners (which are bound and do not accept
    /// yet). Takes nothing exclusive: no writer of a database, no lock. Within 10 seconds, init included.
    func prepare() throws

    /// Takes what is exclusive and starts work; the listeners begin to accept when it returns. Within 10 seconds.
    /// - Parameter state: what the former generation's `release` returned, of whatever version; empty on a first start
    ///   or after a crash.
    func activate(state: [UInt8]) throws

    /// Takes no new work: ends long polls and event streams at once and finishes what is short, by `deadline`. Requests
    /// that come on open connections are still delivered.
    func quiesce(deadline: SuspendingClock.Instant) throws

    /// Gives up what is exclusive. Transfers under way may go on until stop.
    /// - Returns: the state that the next generation needs, versioned; at most 8 MiB.
    func release() throws -> [UInt8]

    /// Ends: when it returns, no thread of the plugin runs. Tasks of `async` handlers were cancelled before it, and are
    /// waited for after it. Within 5 seconds.
    func stop()
}

extension Plugin {
    public func prepare() throws {}
    public func activate(state: [UInt8]) throws {}
    public func quiesce(deadline: SuspendingClock.Instant) throws {}
    public func release() throws -> [UInt8] { [] }
    public func stop() {}
}
