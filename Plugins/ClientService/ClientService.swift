public import PluginKit

public final class ClientService: Plugin {
    public static let description = PluginDescription(
        id: "org.muster.client-service", name: "ClientService", version: "0.1.0",
        summary: "Connects workstations and the company server.", vendor: "Muster contributors", licence: "MIT")

    public init(options: NoOptions, host: Host) throws {}
}
