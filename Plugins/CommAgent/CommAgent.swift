public import PluginKit

/// Fetches updates for a workstation from its distributors, and activates them.
public final class CommAgent: Plugin {
    public typealias Options = CommAgentOptions

    public static let description = PluginDescription(
        id: "org.muster.comm-agent", name: "CommAgent", version: "0.1.0",
        summary: "Fetches updates for this workstation and activates them.", vendor: "Muster contributors",
        licence: "MIT", requires: [.httpClient, .metrics, .state, .timer, .work])

    private let host: Host

    public init(options: Options, host: Host) throws { self.host = host }
}

/// What the operator says of it.
public struct CommAgentOptions: OptionGroup {
    public init() {}
}
