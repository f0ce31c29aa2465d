import PluginKit
import UpdateTrust

/// What Prometheus sees of the service.
struct ServiceMetrics: Sendable {
    let checks: Counter
    let fetched: Counter
    let notified: Counter
    let expiry: Gauge
    let version: Gauge

    /// In init of the component, on the control thread.
    init(_ host: Host) throws(PluginError) {
        checks = try host.counter(
            "updates_checks_total", help: "Looks at the upstream, by what came of them.", labels: ["result"])
        fetched = try host.counter(
            "updates_fetched_bytes_total", help: "Bytes of targets that were fetched and published.", unit: "bytes")
        notified = try host.counter(
            "updates_notifications_total", help: "Publications that downstreams were told of, by what came of it.",
            labels: ["result"])
        expiry = try host.gauge(
            "updates_expiry_seconds", help: "How long what is served is good, by role; below zero: how long not.",
            unit: "seconds", labels: ["role"])
        version = try host.gauge(
            "updates_version", help: "The version of each role that is served.", labels: ["role"])
    }

    /// The four roles that there always are: names of others come from outside.
    func set(_ repository: PublishedRepository, now: MetadataTime) {
        for role in repository.roles where Self.names.contains(role.name) {
            expiry.with(role.name).set(Double(role.expires.seconds - now.seconds))
            version.with(role.name).set(Double(role.version))
        }
    }

    private static let names: Set = [RoleName.root, RoleName.timestamp, RoleName.snapshot, RoleName.targets]
}
