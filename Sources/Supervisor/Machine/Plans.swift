import ControlProtocol
import PluginManifest

/// An address that a listener is bound to.
struct BindAddress: Hashable, Sendable, CustomStringConvertible {
    /// An IPv4 or IPv6 address in numbers; `::` takes both families.
    var host: String
    var port: UInt16
    /// For port 0 whose free port it is, `Component/listener`, since two of them must not share one; otherwise empty,
    /// so that a port that moves from one component to another stays bound.
    var owner: String

    init(host: String, port: UInt16, component: String, listener: String) {
        self.host = host
        self.port = port
        owner = port == 0 ? "\(component)/\(listener)" : ""
    }

    var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A component's plugin as it was found, checked and copied.
struct PluginPlan: Equatable, Sendable {
    var component: String
    /// Where it was found.
    var originPath: String
    /// SHA-256 of the file, hexadecimal.
    var digest: String
    /// The immutable copy that is loaded.
    var copyPath: String
    var stateDirectory: String
    /// Where the configuration names the component, `config.yaml:12:3`, for messages.
    var place: String?
    /// One of the host's own instead of a plugin: then the digest is its name, and there is no copy.
    var builtIn: BuiltInComponent?
}

/// What a component is prepared with, and where its listeners are bound.
struct ResolvedPlan: Equatable, Sendable {
    var plan: ComponentPlan
    /// By the listener's name.
    var addresses: [String: [BindAddress]]
    /// Which credentials its https listeners are served with, by the listener's name: numbers of the driver's.
    var credentials: [String: UInt64] = [:]
    /// Helpers that the component may ask for.
    var helpers: [StagedHelper] = []

    /// The same but for its credentials and its rights on the bus, which are replaced without a new worker.
    func asksForTheSame(as other: ResolvedPlan) -> Bool {
        var plan = plan
        if plan.bus.uses == other.plan.bus.uses { plan.bus = other.plan.bus }
        return plan == other.plan && addresses == other.addresses && helpers == other.helpers
    }
}

/// A unit: the components that share one worker. One component each, or all of them where isolation is `shared`.
struct UnitPlan: Sendable {
    /// The component's name, or `shared`.
    var name: String
    var plugins: [PluginPlan]
    var privileges: Privileges
    var loopCount: Int
    var logLevel: LogLevel
    var isDebugging: Bool
    /// In the order of `plugins`; nil until the manifests are known.
    var resolved: [ResolvedPlan]?
    /// Whether a worker started for `other` is what this plan asks for. Where a plugin was found does not matter, what
    /// is in it does.
    func asksForTheSame(as other: UnitPlan) -> Bool {
        guard let resolved, let others = other.resolved, resolved.count == others.count,
            zip(resolved, others).allSatisfy({ $0.asksForTheSame(as: $1) })
        else { return false }
        return name == other.name && privileges == other.privileges && loopCount == other.loopCount
            && logLevel == other.logLevel && isDebugging == other.isDebugging
            && plugins.map(\.component) == other.plugins.map(\.component)
            && plugins.map(\.digest) == other.plugins.map(\.digest)
            && plugins.map(\.stateDirectory) == other.plugins.map(\.stateDirectory)
    }

    /// What differs from `other`, for the receipt.
    func difference(from other: UnitPlan) -> String {
        if plugins.map(\.component) != other.plugins.map(\.component) { return "other components" }
        if plugins.map(\.digest) != other.plugins.map(\.digest) { return "plugin changed" }
        if privileges != other.privileges { return "user or capabilities changed" }
        guard let resolved, let others = other.resolved, resolved.count == others.count else {
            return "options changed"
        }
        for (new, old) in zip(resolved, others) {
            if new.plan.options != old.plan.options { return "options changed" }
            if new.addresses != old.addresses || new.plan.listeners != old.plan.listeners { return "listeners changed" }
            if new.helpers != old.helpers { return "helpers changed" }
        }
        return "settings of the host changed"
    }

    /// A worker's words with the file that the operator knows in place of the copy that was loaded.
    func namingOrigins(in text: String) -> String {
        plugins.filter { $0.builtIn == nil }.reduce(text) { $0.replacing($1.copyPath, with: $1.originPath) }
    }

    /// Every address its listeners are bound to.
    var addresses: [BindAddress] { (resolved ?? []).flatMap { $0.addresses.values.flatMap(\.self) } }

    /// By `Component/listener`.
    var credentials: [String: UInt64] {
        var all: [String: UInt64] = [:]
        for resolved in resolved ?? [] {
            for (listener, number) in resolved.credentials { all["\(resolved.plan.component)/\(listener)"] = number }
        }
        return all
    }

    var components: [String] { plugins.map(\.component) }
}

/// A whole configuration, read and staged: what a reload is to make of the host.
struct Proposal: Sendable {
    /// The driver's number for it.
    var id: UInt64
    var limits: Limits
    var units: [UnitPlan]
}

/// What became of resolving one unit's options and listeners against its manifests.
enum Resolution: Sendable {
    case plans([ResolvedPlan])
    /// Each a whole message for the operator.
    case wrong([String])
}
