public import PluginKit

public final class SweepHandler: Plugin {
    public static let description = PluginDescription(
        id: "org.muster.sweep-handler", name: "SweepHandler", version: "0.1.0",
        summary: "Sweeps workstations for threats.", vendor: "Muster contributors", licence: "MIT")

    public init(options: NoOptions, host: Host) throws {}
}
