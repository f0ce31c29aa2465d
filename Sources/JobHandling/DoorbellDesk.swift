import Fleet
public import PluginKit

/// A workstation's doorbell: `POST /v1/doorbell` of the company server makes ClientService fetch its jobs now.
public final class DoorbellDesk: Sendable {
    static let service = Service(FleetService.clientJobs)

    public static let busUses: [BusUse] = [
        .calls(service, help: "Has jobs fetched when the doorbell rings.")
    ]

    private let host: Host
    /// Of a ring.
    private static let bodyLimit = 4 << 10

    init(_ host: Host) { self.host = host }

    func ring(_ body: RequestBody, _ peer: FleetPeer, _ exchange: Exchange) async throws {
        try peer.requireServer()
        let order = try FleetJSON.decode(FetchOrder.self, from: try await body.collect(upTo: Self.bodyLimit))
        do {
            _ = try await host.call(Self.service, "fetch", try FleetJSON.encode(order), timeout: .seconds(2))
        } catch let error as BusError {
            throw Problem(error, mayBeRepeated: true)
        }
        try JobAnswers.send(order, .accepted, to: exchange)
    }
}
