public import PluginKit

public final class PollHandler: Plugin {
    public static let description = PluginDescription(
        id: "org.muster.poll-handler", name: "PollHandler", version: "0.1.0",
        summary: "Polls workstations for their status.", vendor: "Muster contributors", licence: "MIT")

    public init(options: NoOptions, host: Host) throws {}
}
