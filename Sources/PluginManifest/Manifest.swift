/// What a plugin declares of itself, as a value: the Swift side of `muster_plugin` in `muster/core.h`.
///
/// A worker reads it from the loaded library and sends it to the supervisor; the configuration is checked against it;
/// the manual and the JSON Schema are made from it.
public struct Manifest: Codable, Equatable, Sendable {
    /// Reverse DNS: `com.example.inventory`.
    public var id: String
    public var name: String
    /// Semantic version 2.0.0.
    public var version: String
    public var summary: String
    public var vendor: String
    /// An SPDX licence expression.
    public var licence: String
    public var url: String
    /// The ABI it was built for.
    public var abi: ABIVersion
    /// The oldest minor of `abi.major` it can live with.
    public var minimumABIMinor: Int
    public var requiredExtensions: [String]
    public var listeners: [ListenerDeclaration]
    public var bus: [BusDeclaration]
    public var options: [OptionDeclaration]
    /// Linux capabilities it cannot do without: `CAP_DAC_READ_SEARCH`.
    public var requiredCapabilities: [String]
    /// Programs that it may have the host start, sealed.
    public var helpers: [HelperDeclaration]

    public init(
        id: String, name: String, version: String, summary: String, vendor: String, licence: String, url: String,
        abi: ABIVersion, minimumABIMinor: Int = 0, requiredExtensions: [String] = [],
        listeners: [ListenerDeclaration] = [], bus: [BusDeclaration] = [], options: [OptionDeclaration] = [],
        requiredCapabilities: [String] = [], helpers: [HelperDeclaration] = []
    ) {
        self.id = id
        self.name = name
        self.version = version
        self.summary = summary
        self.vendor = vendor
        self.licence = licence
        self.url = url
        self.abi = abi
        self.minimumABIMinor = minimumABIMinor
        self.requiredExtensions = requiredExtensions
        self.listeners = listeners
        self.bus = bus
        self.options = options
        self.requiredCapabilities = requiredCapabilities
        self.helpers = helpers
    }
}

/// A version of the plugin ABI.
public struct ABIVersion: Codable, Equatable, Sendable, CustomStringConvertible {
    public var major: Int
    public var minor: Int

    public init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    public var description: String { "\(major).\(minor)" }
}

/// How a listener speaks.
public enum Transport: String, Codable, Equatable, Sendable, CaseIterable {
    case http, https, raw
}

/// Whether clients of a listener show a certificate; ordered from lax to strict, and YAML may only tighten it.
public enum ClientCertificatePolicy: String, Codable, Equatable, Sendable, CaseIterable, Comparable {
    case none, optional, required

    public static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .none: 0
        case .optional: 1
        case .required: 2
        }
    }
}

/// A listener that a plugin serves.
public struct ListenerDeclaration: Codable, Equatable, Sendable {
    public var name: String
    public var transport: Transport
    public var clientCertificate: ClientCertificatePolicy
    /// The documented TCP port.
    public var port: UInt16
    public var help: String

    public init(
        name: String, transport: Transport, clientCertificate: ClientCertificatePolicy = .none, port: UInt16,
        help: String
    ) {
        self.name = name
        self.transport = transport
        self.clientCertificate = clientCertificate
        self.port = port
        self.help = help
    }
}

/// A service or topic that a plugin offers or uses on the bus.
public struct BusDeclaration: Codable, Equatable, Sendable {
    /// Which side of the bus this is.
    public enum Role: String, Codable, Equatable, Sendable, CaseIterable {
        case serves, calls, publishes, subscribes
    }

    public var role: Role
    public var name: String
    public var help: String

    public init(role: Role, name: String, help: String) {
        self.role = role
        self.name = name
        self.help = help
    }
}

/// A program that a plugin may have the host start, sealed, with a socket to it: the Swift side of
/// `muster_process_spec`.
public struct HelperDeclaration: Codable, Equatable, Sendable {
    public var name: String
    /// The program's file name, without a folder.
    public var program: String
    /// It may read every file that its user may.
    public var readsFiles: Bool
    /// It may write below the component's state directory.
    public var writesState: Bool
    /// Linux capabilities it cannot do without.
    public var capabilities: [String]
    public var help: String

    public init(
        name: String, program: String, readsFiles: Bool = false, writesState: Bool = false, capabilities: [String] = [],
        help: String
    ) {
        self.name = name
        self.program = program
        self.readsFiles = readsFiles
        self.writesState = writesState
        self.capabilities = capabilities
        self.help = help
    }
}
