public import PluginKit

/// The sides of a fleet that a component of both is on.
public enum HandlerRole: String, OptionChoice {
    /// The company server's: administrators order and watch.
    case server
    /// A workstation's: it has a doorbell and does the work.
    case client
}
