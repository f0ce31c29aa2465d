/// A component of the host's own: it runs in a worker like any other, and has no plugin.
public enum BuiltInComponent: String, Codable, Equatable, Sendable, CaseIterable {
    /// Serves what Prometheus asks for; `host.metrics` turns it on.
    case metrics

    /// Its name in status, logs and metrics, which no component of the configuration may have.
    public var name: String { rawValue }

    /// Its only listener.
    public var listener: ListenerDeclaration {
        switch self {
        case .metrics:
            ListenerDeclaration(
                name: "metrics", transport: .http, port: 9464, help: "Answers GET /metrics for Prometheus.")
        }
    }

    /// What it would say of itself as a plugin.
    /// - Parameter version: the host's.
    public func manifest(version: String) -> Manifest {
        Manifest(
            id: "org.muster.\(rawValue)", name: "Metrics", version: version,
            summary: "Serves the metrics of the host and its components.", vendor: "Muster", licence: "MIT", url: "",
            abi: ABIVersion(major: 1, minor: 0), listeners: [listener])
    }
}
