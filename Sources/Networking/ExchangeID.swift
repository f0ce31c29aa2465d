/// Names one exchange within the process: never 0, never used again.
///
///     63      56 55                            20 19                 0
///     ┌─────────┬────────────────────────────────┬───────────────────┐
///     │  loop   │           generation           │       slot        │
///     └─────────┴────────────────────────────────┴───────────────────┘
///
/// A slot whose generations are used up is retired, so that a number never comes back.
public struct ExchangeID: Hashable, Sendable {
    public let rawValue: UInt64

    @inlinable
    public init(rawValue: UInt64) { self.rawValue = rawValue }

    static let slotBits: UInt64 = 20
    static let generationBits: UInt64 = 36
    static let maximumGeneration: UInt64 = (1 << generationBits) - 1
    static let maximumLoopCount = 256

    init(loop: Int, generation: UInt64, slot: Int) {
        rawValue =
            UInt64(truncatingIfNeeded: loop) << (Self.slotBits + Self.generationBits)
            | generation << Self.slotBits
            | UInt64(truncatingIfNeeded: slot)
    }

    var loop: Int { Int(rawValue >> (Self.slotBits + Self.generationBits)) }
    var generation: UInt64 { (rawValue >> Self.slotBits) & Self.maximumGeneration }
    var slot: Int { Int(rawValue & ((1 << Self.slotBits) - 1)) }
}
