internal import Fleet
import PluginKit

/// What Prometheus sees of the fleet.
struct FleetMetrics: Sendable {
    private let clients: Gauge
    private let online: Gauge
    private let waiting: Gauge
    let heartbeats: Counter
    private let results: Counter
    let refused: Counter

    init(host: Host) throws {
        clients = try host.gauge("fleet_clients", help: "Clients that are enrolled.")
        online = try host.gauge("fleet_clients_online", help: "Clients that are heard of.")
        waiting = try host.gauge("fleet_clients_waiting", help: "Clients that wait for jobs just now.")
        heartbeats = try host.counter("fleet_heartbeats_total", help: "Heartbeats taken.")
        results = try host.counter(
            "fleet_results_total", help: "Results of jobs committed, by how they ended.", labels: ["end"])
        refused = try host.counter("fleet_refused_total", help: "Requests refused for who asked.")
    }

    func result(_ end: Outcome.End) { results.with(end.rawValue).add() }

    func note(waiting count: Int, _ registry: ClientRegistry) {
        waiting.set(Double(count))
        let enrolled = registry.collect { $1.standing == .enrolled ? $1.isOnline : nil }
        clients.set(Double(enrolled.count))
        online.set(Double(enrolled.count { $0 }))
    }
}
