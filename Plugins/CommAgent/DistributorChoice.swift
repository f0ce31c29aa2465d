/// Whom a workstation asks, and in which order. Pure.
///
/// The distributors come in an order of each workstation's own, so that a fleet does not ask the same one first; the
/// company server comes last. One that failed is left for a while, longer each time.
struct DistributorChoice: Sendable {
    /// How long one is left after its first failure.
    static let firstPause = Duration.seconds(30)
    static let longestPause = Duration.seconds(3600)

    private struct Standing {
        var failures = 0
        var left: ContinuousClock.Instant?
    }

    private let order: [String]
    private var standings: [String: Standing] = [:]

    /// - Parameter seed: the same for one workstation always, and another for each.
    init(distributors: [String], companyServer: String?, seed: UInt64) {
        let urls = Self.unique((distributors + [companyServer].compactMap { $0 }).map(Self.trimmed))
        let last = companyServer.map(Self.trimmed)
        order =
            urls.filter { $0 != last }.map { (Self.place(of: $0, seed), $0) }.sorted { $0 < $1 }.map(\.1)
            + [last].compactMap { $0 }
    }

    var isEmpty: Bool { order.isEmpty }

    /// Those to ask, one after the other: first those that are not left, then, rather than nobody, the others as their time
    /// comes.
    func turns(at now: ContinuousClock.Instant) -> [String] {
        func isLeft(_ url: String) -> Bool { standings[url]?.left.map { $0 > now } ?? false }
        let left = order.filter(isLeft).map { ($0, standings[$0]?.left ?? now) }
        return order.filter { !isLeft($0) } + left.sorted { $0.1 < $1.1 }.map(\.0)
    }

    mutating func succeeded(_ url: String) { standings[url] = nil }

    /// - Parameter wanted: what the distributor itself asked for.
    mutating func failed(_ url: String, at now: ContinuousClock.Instant, retryAfter wanted: Duration? = nil) {
        var standing = standings[url] ?? Standing()
        standing.failures += 1
        let pause = min(Self.longestPause, Self.firstPause * (1 << min(standing.failures - 1, 10)))
        standing.left = now + max(pause, min(wanted ?? .zero, Self.longestPause))
        standings[url] = standing
    }

    private static func trimmed(_ url: String) -> String { String(url.reversed().drop { $0 == "/" }.reversed()) }

    private static func unique(_ urls: [String]) -> [String] {
        var seen: Set<String> = []
        return urls.filter { seen.insert($0).inserted }
    }

    /// FNV-1a (draft-eastlake-fnv) over the seed and the URL, mixed once more: neighbours in text are none in order.
    private static func place(of url: String, _ seed: UInt64) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in (0..<8).map({ UInt8(truncatingIfNeeded: seed >> ($0 * 8)) }) + Array(url.utf8) {
            hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3
        }
        hash = (hash ^ hash >> 30) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ hash >> 27) &* 0x94d0_49bb_1331_11eb
        return hash ^ hash >> 31
    }
}
