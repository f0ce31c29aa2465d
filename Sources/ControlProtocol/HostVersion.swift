/// The version of this host: what `muster version` prints and plugins find in their host facts.
public enum HostVersion {
    /// Semantic version 2.0.0.
    public static let current = "0.1.0"
}
