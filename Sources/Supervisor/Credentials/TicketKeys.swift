import ControlProtocol
import FoundationEssentials

/// The keys that session tickets of https listeners are encrypted with. They are the host's, so that a session survives
/// a reload and a crash, and a listener's own, so that no component can read the tickets of another.
///
/// A key encrypts for one period and decrypts for one more; then it is forgotten, and with it the sessions that a thief
/// of it could read.
struct TicketKeys {
    /// Tickets are offered for at most as long.
    static let period: Nanoseconds = .seconds(12 * 3600)
    /// The present key and the one before.
    static let kept = 2

    private struct Entry {
        var keys: [Data]
        var nextRotation: Instant
    }

    private var entries: [String: Entry] = [:]

    /// The keys of a listener, `Component/listener`, the present one first.
    mutating func keys(of listener: String, at now: Instant) -> [Data] {
        if let entry = entries[listener], now < entry.nextRotation { return entry.keys }
        rotate(listener, at: now)
        return entries[listener]?.keys ?? []
    }

    /// When the next key is due; nil: no listener has any.
    var nextRotation: Instant? { entries.values.map(\.nextRotation).min() }

    /// Makes a new key wherever one is due, whether or not anyone serves the listener just now: what is due once must
    /// not stay due. True if there was any.
    mutating func rotateDue(at now: Instant) -> Bool {
        let due = entries.filter { $0.value.nextRotation <= now }.map(\.key)
        for listener in due { rotate(listener, at: now) }
        return !due.isEmpty
    }

    /// Forgets listeners that are no more.
    mutating func retain(_ listeners: Set<String>) { entries = entries.filter { listeners.contains($0.key) } }

    private mutating func rotate(_ listener: String, at now: Instant) {
        var generator = SystemRandomNumberGenerator()
        // getrandom(2), by Swift's generator.
        let key = Data(
            (0..<TLSCredentials.ticketKeyLength).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        var keys = entries[listener]?.keys ?? []
        keys.insert(key, at: 0)
        entries[listener] = Entry(keys: Array(keys.prefix(Self.kept)), nextRotation: now.after(Self.period))
    }
}
