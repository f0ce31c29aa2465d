import Console
import ControlProtocol

extension Terminal {
    static func wide(_ width: Int, color: Bool = false) -> Terminal {
        Terminal(width: width, usesColor: color, movesCursor: true)
    }
}

extension ListenerStatus {
    static func sample(
        _ addresses: [String], connections: Int = 0, rate: Double = 0, transport: String = "http"
    ) -> ListenerStatus {
        var activity = ListenerActivity(component: "", listener: "")
        activity.connections = connections
        return ListenerStatus(
            name: "main", transport: transport, addresses: addresses, requestsPerSecond: rate, activity: activity)
    }
}

extension ComponentStatus {
    static func sample(
        _ name: String, state: State = .running, message: String? = nil, listeners: [ListenerStatus] = []
    ) -> ComponentStatus {
        ComponentStatus(
            name: name, state: state, message: message, pid: state == .running ? 4711 : nil, generation: 3,
            uptimeSeconds: state == .running ? 12_000 : nil, nextAttemptSeconds: state == .retrying ? 3.2 : nil,
            restarts: 0, pluginPath: "/usr/lib/muster/plugins/lib\(name).so", pluginVersion: "0.1.0",
            pluginDigest: "00", isPluginNewerOnDisk: false, residentBytes: 9_750_000, processorSeconds: 1,
            listeners: listeners, draining: [])
    }
}

extension HostStatus {
    static func sample(_ components: [ComponentStatus]) -> HostStatus {
        HostStatus(
            version: "0.1.0", pid: 4242, phase: .running, generation: 3, configurationPath: "/etc/muster/config.yaml",
            isConfigurationStale: false, uptimeSeconds: 187_200, components: components)
    }
}

extension ReloadReceipt {
    static func sample(
        _ result: Result, components: [Component] = [], diagnostics: [String] = [], draining: Int = 0
    ) -> ReloadReceipt {
        ReloadReceipt(
            generation: 4, trigger: .signal, result: result, startedAt: 1_795_384_565, durationSeconds: 0.34,
            components: components, diagnostics: diagnostics, drainingConnections: draining)
    }
}
