/// Bounds of what is taken from others: bytes of files, and numbers of steps.
public struct MetadataLimits: Hashable, Sendable {
    public var root = 512_000
    public var timestamp = 16_384
    /// Where the timestamp gives no length.
    public var snapshot = 2_000_000
    /// Where the snapshot gives no length; delegated roles too.
    public var targets = 5_000_000
    /// New roots in one refresh.
    public var rootRotations = 256
    /// Roles that are looked through for one target.
    public var delegations = 32

    public init() {}
}
