import Configuration
import ControlProtocol
import PluginManifest

/// A configuration that was read: what the machine knows as a proposal, with what it came from.
final class StagedConfiguration {
    let id: UInt64
    let settings: Settings
    /// The file's text, to be kept as the last good one.
    let text: [UInt8]
    /// The enabled components, in the file's order, then those of the host's own.
    let components: [ComponentSettings]
    var plugins: [String: PluginPlan] = [:]
    /// Components whose options and listeners were checked.
    var resolved: [String: ResolvedComponent] = [:]
    /// The helpers of components whose manifests are known, in the manifest's order.
    var helpers: [String: [StagedHelper]] = [:]
    /// What https listeners are served with, by `Component/listener`.
    var credentials: [String: CredentialStore.Loaded] = [:]

    init(id: UInt64, settings: Settings) {
        self.id = id
        self.settings = settings
        text = settings.text
        components = settings.components.filter(\.isEnabled) + settings.host.builtIns.map(\.component)
    }

    func component(_ name: String) -> ComponentSettings? { components.first { $0.name == name } }
}

extension ResolvedPlan {
    init(_ component: String, _ resolved: ResolvedComponent, portOffset: Int) {
        addresses = [:]
        var listeners: [ListenerPlan] = []
        for listener in resolved.listeners {
            var plan = ListenerPlan(
                name: listener.name, transport: listener.transport, clientCertificate: listener.clientCertificate,
                maxConnections: listener.maxConnections)
            plan.allowedClients = listener.allowedClients.map(\.value)
            plan.headBytes = listener.headBytes
            plan.headerCount = listener.headerCount
            plan.bodyBytes = listener.bodyBytes
            plan.idleTimeout = listener.idleTimeout
            plan.headTimeout = listener.headTimeout
            plan.stallTimeout = listener.stallTimeout
            plan.answerTimeout = listener.answerTimeout
            listeners.append(plan)
            addresses[listener.name] = listener.addresses.map { address in
                BindAddress(
                    host: address.host, port: address.port.moved(by: portOffset) ?? address.port, component: component,
                    listener: listener.name)
            }
        }
        plan = ComponentPlan(
            component: component, options: resolved.options, listeners: listeners, bus: BusPlan(resolved.bus))
    }
}

extension BusPlan {
    init(_ resolved: ResolvedBus) {
        self.init(
            uses: resolved.declarations.map { BusUse($0.role, $0.name) }, denied: resolved.denied,
            callers: resolved.callers)
    }
}

extension UInt16 {
    /// The port with `--port-offset` added; nil beyond 65535. Port 0 stays: any free port.
    func moved(by offset: Int) -> UInt16? { self == 0 ? 0 : UInt16(exactly: Int(self) + offset) }
}
