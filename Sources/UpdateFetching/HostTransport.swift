public import PluginKit
public import UpdateTrust

/// Fetches through the host's HTTP client.
public struct HostTransport: Sendable {
    let client: HTTPClient

    public init(_ host: Host) throws(PluginError) { client = try host.httpClient() }
}
