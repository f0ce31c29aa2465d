internal import ControlProtocol
internal import PluginManifest

extension Worker {
    /// A component of the host's own in place of a plugin: from here on its lifecycle is that of any other.
    func makeBuiltIn(_ component: BuiltInComponent) -> PluginLibrary {
        switch component {
        case .metrics:
            let endpoint = MetricsEndpoint { [link] number in
                // Where the supervisor does not read, the question's time runs out.
                try? link.report(.snapshotRequest(number: number))
            }
            metricsEndpoint = endpoint
            return PluginLibrary(path: "", reading: endpoint.reading)
        }
    }
}
