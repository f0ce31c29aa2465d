/// What a plugin says of itself: the manifest, but for the options, which its `Options` declare.
public struct PluginDescription: Sendable {
    /// Reverse DNS, unique in the world: `com.example.inventory`.
    public var id: String
    /// For people: `Inventory`.
    public var name: String
    /// Semantic version 2.0.0: `1.4.2`.
    public var version: String
    /// One line that ends with a full stop.
    public var summary: String
    public var vendor: String
    /// An SPDX licence expression: `MIT`.
    public var licence: String
    public var url: String
    /// The listeners it serves.
    public var listeners: [Listener]
    /// What it does on the bus.
    public var bus: [BusUse]
    /// What it cannot work without, beside what its listeners and the bus need: the host refuses to load it where one is missing.
    public var requires: [HostExtension]
    /// Linux capabilities it cannot do without, by name: `CAP_DAC_READ_SEARCH`. The operator grants them.
    public var capabilities: [String]
    /// Programs that it has the host start, sealed.
    public var helpers: [HelperProgram]

    public init(
        id: String, name: String, version: String, summary: String, vendor: String, licence: String, url: String = "",
        listeners: [Listener] = [], bus: [BusUse] = [], requires: [HostExtension] = [], capabilities: [String] = [],
        helpers: [HelperProgram] = []
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.summary = summary
        self.vendor = vendor
        self.licence = licence
        self.url = url
        self.listeners = listeners
        self.bus = bus
        self.requires = requires
        self.capabilities = capabilities
        self.helpers = helpers
    }
}

/// A part of the ABI that a host may or may not have.
public struct HostExtension: Sendable, Hashable {
    /// Its whole id: `muster.timer/1`.
    public let id: String

    public init(id: String) { self.id = id }

    public static let bus = Self(id: "muster.bus/1")
    public static let httpClient = Self(id: "muster.http-client/1")
    public static let httpServer = Self(id: "muster.http-server/1")
    public static let listener = Self(id: "muster.listener/1")
    public static let timer = Self(id: "muster.timer/1")
    public static let work = Self(id: "muster.work/1")
    public static let state = Self(id: "muster.state/1")
    public static let process = Self(id: "muster.process/1")
    public static let metrics = Self(id: "muster.metrics/1")
}

/// A listener that a plugin serves, with its documented port, which the operator may move.
public struct Listener: Sendable, Hashable {
    /// How it speaks.
    public enum Transport: UInt32, Sendable {
        case http = 1, https, raw
    }

    /// Whether clients show a certificate; the operator may only tighten it.
    public enum ClientCertificate: UInt32, Sendable {
        case none = 0, optional, required
    }

    /// Unique in the plugin, lower-case.
    public let name: String
    public let transport: Transport
    public let clientCertificate: ClientCertificate
    public let port: UInt16
    /// One line that ends with a full stop.
    public let help: String

    /// HTTP/1.1 without TLS.
    public static func http(_ name: String, port: UInt16, help: String) -> Self {
        Self(name: name, transport: .http, clientCertificate: .none, port: port, help: help)
    }

    /// HTTP/1.1 over TLS.
    public static func https(
        _ name: String, port: UInt16, clientCertificate: ClientCertificate = .none, help: String
    ) -> Self {
        Self(name: name, transport: .https, clientCertificate: clientCertificate, port: port, help: help)
    }

    /// The bound sockets themselves, for a protocol of the plugin's own.
    public static func raw(_ name: String, port: UInt16, help: String) -> Self {
        Self(name: name, transport: .raw, clientCertificate: .none, port: port, help: help)
    }
}
