import ControlProtocol
import Glibc

/// What comes from the control socket.
extension HostDriver {
    func serve(_ id: ClientID, _ events: Int16) {
        guard let client = control?.clients[id] else { return }
        do throws(ChannelError) {
            if client.channel.hasPendingOutput { try client.channel.flush() }
            // One at a time: a client that asks without reading answers waits for its turn.
            while !client.channel.hasPendingOutput, let received = try client.channel.receive(ControlRequest.self) {
                take(received.message, of: id)
            }
        } catch {
            control?.remove(id)
            post(.clientLeft(id))
        }
    }

    private func take(_ request: ControlRequest, of client: ClientID) {
        switch request {
        case .status: control?.answer(client, .status(status()))
        case .reload: post(.reloadRequested(.command, client: client, at: WallClock.now().interval))
        case .lastReceipt:
            guard var receipt = lastReceipt else {
                control?.answer(client, .refused("the host is still starting: there is no receipt yet"))
                return
            }
            receipt.drainingConnections = machine.drainingConnections
            control?.answer(client, .receipt(receipt))
        }
    }

    func status() -> HostStatus {
        let now = monotonicNow()
        var status = HostStatus(
            version: Host.version, pid: getpid(), phase: machine.hostPhase, generation: machine.generation,
            configurationPath: setup.configurationPath, isConfigurationStale: isConfigurationStale,
            uptimeSeconds: Double(now.since(startedAt)) / 1e9,
            components: machine.componentStatuses(at: now).map(complete))
        let metrics = status.components.first(where: \.isBuiltIn)?.listeners.flatMap(\.addresses) ?? []
        status.metricsURLs = metrics.map { "http://\($0)/metrics" }
        return status
    }

    private var isConfigurationStale: Bool {
        guard !committedText.isEmpty else { return false }
        return (try? Files.read(setup.configurationPath, limit: 1 << 20)) != committedText
    }

    /// Adds what only the system knows.
    private func complete(_ status: ComponentStatus) -> ComponentStatus {
        var status = status
        status.pluginVersion = stage.manifests[status.pluginDigest]?.version
        status.isPluginNewerOnDisk =
            !status.isBuiltIn
            && stage.store.currentDigest(of: status.pluginPath).map { $0 != status.pluginDigest } ?? false
        if let pid = status.pid, let usage = ProcessUsage(pid: pid) {
            status.residentBytes = usage.residentBytes
            status.processorSeconds = usage.processorSeconds
        }
        status.bus = bus.activity(of: status.name)
        let plans = machine.units.flatMap { $0.plan.resolved ?? [] }
        guard let plan = plans.first(where: { $0.plan.component == status.name }) else { return status }
        for index in status.listeners.indices {
            let addresses = plan.addresses[status.listeners[index].name] ?? []
            status.listeners[index].totals = ledger.activity(of: status.name, status.listeners[index].name)
            status.listeners[index].addresses = addresses.map { (listeners.listeners[$0]?.bound ?? $0).description }
        }
        return status
    }
}
