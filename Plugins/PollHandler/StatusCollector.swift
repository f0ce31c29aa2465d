import Fleet
import JobHandling
import PluginJSON
import PluginKit

/// Finds out how this machine is. What cannot be found out is left out.
struct StatusCollector: Sendable {
    private static let hostStatus = Service(FleetService.hostStatus)
    private static let sweepStatus = Service(FleetService.sweepStatus)
    private static let timeout = Duration.seconds(3)

    static let busUses: [BusUse] = [
        .calls(hostStatus, help: "Asks which components run."),
        .calls(sweepStatus, help: "Asks for the definitions, the last sweep and open detections."),
    ]

    /// What is needed of `muster status --json`.
    struct HostComponents: Decodable, Sendable {
        struct Component: Decodable, Sendable {
            var name: String
            var state: String
            var pluginVersion: String?
            var restarts: Int?
        }

        var components: [Component]
    }

    private let host: Host
    private let disks: [String]

    /// - Parameter disks: paths whose file systems are told of.
    init(_ host: Host, disks: [String]) {
        self.host = host
        self.disks = disks
    }

    func poll() async -> Outcome {
        do {
            return Outcome(.succeeded, result: try JSONValue(of: await collect()))
        } catch {
            return Outcome(.failed, reason: "This machine's status could not be written: \(error).")
        }
    }

    func collect() async -> ClientStatus {
        async let components = components()
        async let standing = standing()
        let disks = disks
        // Where the component stops nobody hears the answer.
        let machine = try? await host.run { Machine.look(at: disks) }
        let swept = await standing
        return ClientStatus(
            system: machine?.system ?? Machine.unknown, version: host.facts.hostVersion,
            definitions: swept.definitions, lastSweep: swept.lastSweep, openDetections: swept.openDetections,
            disks: machine?.disks ?? [], components: await components)
    }

    private func components() async -> [ClientStatus.Component] {
        let found: HostComponents? = await ask(Self.hostStatus)
        return (found?.components ?? []).prefix(200).map { component in
            ClientStatus.Component(
                name: component.name, state: component.state, version: component.pluginVersion ?? "",
                restarts: component.restarts ?? 0)
        }
    }

    private func standing() async -> SweepStanding { await ask(Self.sweepStatus) ?? SweepStanding() }

    private func ask<Reply: Decodable & Sendable>(_ service: Service) async -> Reply? {
        do {
            return try FleetJSON.decode(from: try await host.call(service, "get", timeout: Self.timeout))
        } catch {
            host.log.debug("A part of the status is left out.", ["service": service.name, "reason": "\(error)"])
            return nil
        }
    }
}
