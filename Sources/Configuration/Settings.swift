public import PluginManifest

/// The whole of `config.yaml`, checked as far as it can be without the plugins' manifests.
public struct Settings: Sendable {
    /// The file it came from, as the operator named it.
    public var path: String
    public var host: HostSettings
    /// The components in the file's order, disabled ones included.
    public var components: [ComponentSettings]
    /// The absolute path of the folder that relative paths begin in: the file's.
    public var folder: String
    let source: SourceText

    /// The file's bytes as they were read, to be kept as the last good configuration.
    public var text: [UInt8] { source.bytes }
}

/// A value with the place in the file it came from, so that later checks can point at it.
public struct Located<Value: Sendable>: Sendable {
    public var value: Value
    /// nil: a default.
    public var location: SourceLocation?

    public init(_ value: Value, at location: SourceLocation? = nil) {
        self.value = value
        self.location = location
    }
}

extension Located: Equatable where Value: Equatable {}

/// The section `host`. Paths are absolute (relative ones were resolved against the file's folder); times in nanoseconds.
public struct HostSettings: Sendable {
    /// How components are spread over processes.
    public enum Isolation: String, Sendable, CaseIterable {
        /// A process for each component.
        case process
        /// All in one, for debuggers and sanitizers.
        case shared
    }

    public enum LogFormat: String, Sendable, CaseIterable {
        case text, json
    }

    /// The limits of supervision, section `host.supervision`.
    public struct Supervision: Sendable, Equatable {
        /// Immediate restarts allowed within `restartWindow`. Default 5 in 30 s.
        public var restartLimit: Int
        public var restartWindow: Int64
        /// Pauses between restarts beyond the limit, doubling from first to last. Default 1 s, 30 s.
        public var firstPause: Int64
        public var lastPause: Int64
        /// Running this long forgets earlier crashes. Default 60 s.
        public var stableAfter: Int64
        /// How long a worker may take to answer each step of the lifecycle. Default 10 s.
        public var stepTimeout: Int64
        /// Silence after which a worker is aborted. Default 10 s.
        public var watchdog: Int64
        /// After a commit, how long hitting the restart limit rolls it back. Default 30 s.
        public var probation: Int64
        /// How long a quiesced worker may finish short requests. Default 2 s.
        public var quiesceTimeout: Int64
        /// How long a draining worker may finish what is under way. Default 30 s.
        public var drainTimeout: Int64
    }

    /// The files that https listeners show and verify by, section `host.identity`: absolute paths. Certificate and key
    /// are there both or neither; without them the host makes its own.
    public struct Identity: Sendable {
        public var certificate: Located<String>?
        public var privateKey: Located<String>?
        public var authority: Located<String>?
    }

    /// A component of the host's own that the configuration asks for.
    public struct BuiltIn: Sendable {
        /// Stands for it beside the components of the file, and for its section in diagnostics.
        public var component: ComponentSettings
        public var resolved: ResolvedComponent
    }

    public var dataDirectory: Located<String>
    public var pluginDirectories: [Located<String>]
    public var isolation: Isolation
    public var isDebugging: Bool
    /// `trace` … `critical`.
    public var logLevel: String
    public var logFormat: LogFormat
    /// The control socket's path.
    public var controlPath: Located<String>
    /// User and group of the workers where the supervisor is root; names or numbers.
    public var user: Located<String>?
    public var group: Located<String>?
    /// Event loops in each worker; 0: one a core.
    public var loopCount: Int
    public var identity = Identity()
    /// `host.metrics`.
    public var builtIns: [BuiltIn] = []
    public var supervision: Supervision
}

/// One entry of `components`.
public struct ComponentSettings: Sendable {
    /// Whether a component can be called so.
    public static func isName(_ text: String) -> Bool { ComponentKeys.isName(text) }

    public var name: String
    /// Of the key.
    public var location: SourceLocation
    public var isEnabled: Bool
    /// The plugin's file: an absolute path, or a name without `/`, which is looked for beside the executable and in the
    /// plugin directories. nil: `lib<name>.so`, looked for in the same way.
    public var pluginPath: Located<String>?
    /// Capabilities the operator grants: `CAP_DAC_READ_SEARCH`.
    public var grantedCapabilities: [Located<String>]
    /// Capabilities the operator grants to the component's helpers, and not to the component.
    public var helperCapabilities: [Located<String>] = []
    /// What of the kernel, `landlock` or `seccomp`, its helpers may start without where the kernel lacks it.
    public var helpersMayLack: [Located<String>] = []
    /// The sections `listen`, `bus` and `config`, kept as YAML until the manifest is known.
    let listen: YAMLEntry?
    let bus: YAMLEntry?
    let config: YAMLEntry?
    let source: SourceText
    /// Of the key.
    let span: SourceSpan
    /// Where other components stand on the same lines, the values of every `config`: an excerpt must not show them.
    var neighbours: [SourceSpan] = []
    /// It is one of the host's own: an entry of the section `host`.
    public var builtIn: BuiltInComponent?

    /// Its place in the file, as messages name it.
    var title: String { builtIn == nil ? name : "host.\(name)" }
}

/// A component's settings checked against its plugin's manifest.
public struct ResolvedComponent: Sendable, Equatable {
    /// Every option that has a value, defaults filled in, by dotted name.
    public var options: [String: OptionValue]
    public var listeners: [ResolvedListener]
    public var bus: ResolvedBus

    public init(
        options: [String: OptionValue] = [:], listeners: [ResolvedListener] = [], bus: ResolvedBus = ResolvedBus()
    ) {
        self.options = options
        self.listeners = listeners
        self.bus = bus
    }
}

/// What a component may do on the bus: the manifest's declarations with the operator's `bus` settings.
public struct ResolvedBus: Sendable, Equatable {
    public var declarations: [BusDeclaration]
    /// Topics and services that are taken from the component, in whatever role; sorted.
    public var denied: [String]
    /// Who may call a service of the component's, sorted; a service that is not here may be called by all.
    public var callers: [String: [String]]

    public init(declarations: [BusDeclaration] = [], denied: [String] = [], callers: [String: [String]] = [:]) {
        self.declarations = declarations
        self.denied = denied
        self.callers = callers
    }

    /// The services it offers to others.
    public var services: [String] {
        declarations.filter { $0.role == .serves && !denied.contains($0.name) }.map(\.name)
    }
}

/// A listener of the manifest with the operator's `listen` settings applied.
public struct ResolvedListener: Sendable, Equatable {
    public var name: String
    public var transport: Transport
    public var clientCertificate: ClientCertificatePolicy
    /// Default: `[::]:port`, which takes IPv4 too.
    public var addresses: [ListenAddress]
    public var maxConnections: Int
    public var headBytes: Int?
    public var headerCount: Int?
    public var bodyBytes: Int64?
    public var idleTimeout: Int64?
    public var headTimeout: Int64?
    public var stallTimeout: Int64?
    public var answerTimeout: Int64?
    /// Patterns of SAN URIs: a `*` at the end stands for any rest. Empty: every client that may connect may ask.
    public var allowedClients: [Located<String>] = []
    /// Absolute paths of PEM files, instead of those of `host.identity`: both or neither. For https alone.
    public var certificate: Located<String>?
    public var privateKey: Located<String>?

    public init(
        name: String, transport: Transport, clientCertificate: ClientCertificatePolicy = .none,
        addresses: [ListenAddress], maxConnections: Int
    ) {
        self.name = name
        self.transport = transport
        self.clientCertificate = clientCertificate
        self.addresses = addresses
        self.maxConnections = maxConnections
    }
}

/// A numeric address and TCP port to listen on.
public struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// An IPv4 or IPv6 address in numbers; `::` stands for all addresses of both families.
    public var host: String
    /// 0: any free port, for tests.
    public var port: UInt16
    /// nil: the manifest's default.
    public var location: SourceLocation?

    /// `host` in the form that `inet_ntop` writes.
    public init(host: String, port: UInt16, location: SourceLocation? = nil) {
        self.host = host
        self.port = port
        self.location = location
    }

    /// `127.0.0.1:50003`, `[::]:50003`.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    public static func == (left: Self, right: Self) -> Bool { left.host == right.host && left.port == right.port }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(host)
        hasher.combine(port)
    }
}
