public import PluginManifest

/// What a component may do on the bus: what its manifest declares, narrowed by the operator.
public struct BusPlan: Codable, Equatable, Sendable {
    public var uses: [BusUse]
    /// Topics and services that the operator has taken away, in whatever role.
    public var denied: [String]
    /// Which components may call a service that this one serves; a service that is not here may be called by all.
    public var callers: [String: [String]]

    public init(uses: [BusUse] = [], denied: [String] = [], callers: [String: [String]] = [:]) {
        self.uses = uses
        self.denied = denied
        self.callers = callers
    }

    /// Whether the manifest declares it.
    public func declares(_ role: BusDeclaration.Role, _ name: String) -> Bool {
        uses.contains { $0.role == role && $0.name == name }
    }

    /// Whether the component may do it.
    public func allows(_ role: BusDeclaration.Role, _ name: String) -> Bool {
        declares(role, name) && !denied.contains(name)
    }

    /// Whether `component` may call this one's service.
    public func accepts(callsOf component: String, to service: String) -> Bool {
        callers[service]?.contains(component) ?? true
    }
}

/// One line of a manifest's bus declarations.
public struct BusUse: Codable, Hashable, Sendable {
    public var role: BusDeclaration.Role
    public var name: String

    public init(_ role: BusDeclaration.Role, _ name: String) {
        self.role = role
        self.name = name
    }
}
