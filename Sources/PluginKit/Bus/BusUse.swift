/// A topic of the bus: events that components publish and others subscribe to.
///
///     static let activated = Topic("definitions.activated")
public struct Topic: Sendable, Hashable, CustomStringConvertible {
    /// Lower-case names joined by dots.
    public let name: String

    public init(_ name: String) { self.name = name }

    public var description: String { name }
}

/// A service of the bus, which one component serves and others call.
///
///     static let jobs = Service("fleet.jobs")
public struct Service: Sendable, Hashable, CustomStringConvertible {
    /// Lower-case names joined by dots.
    public let name: String

    public init(_ name: String) { self.name = name }

    public var description: String { name }
}

/// What a plugin does on the bus, for its description: what is not declared there is refused. The operator may take some
/// of it away, so be ready to be told so.
public struct BusUse: Sendable, Hashable {
    enum Role: UInt32, Sendable {
        case serves = 1, calls, publishes, subscribes
    }

    let role: Role
    let name: String
    /// One line that ends with a full stop.
    let help: String

    public static func publishes(_ topic: Topic, help: String) -> Self {
        Self(role: .publishes, name: topic.name, help: help)
    }

    public static func subscribes(_ topic: Topic, help: String) -> Self {
        Self(role: .subscribes, name: topic.name, help: help)
    }

    public static func serves(_ service: Service, help: String) -> Self {
        Self(role: .serves, name: service.name, help: help)
    }

    public static func calls(_ service: Service, help: String) -> Self {
        Self(role: .calls, name: service.name, help: help)
    }
}
