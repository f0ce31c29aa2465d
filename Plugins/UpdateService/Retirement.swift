import FoundationEssentials
import UpdateTrust

/// Files of a repository that no publication names any more, and since when; pure but for its text.
///
/// They stay for a grace period: clients with an older timestamp still come for them. Roots stay for ever, for a client
/// walks through all of them.
struct Retirement: Sendable, Equatable {
    /// Seconds since 1970, by path in the repository.
    private(set) var since: [String: Int64] = [:]

    init() {}

    /// What `text` made; nothing where it is not that: grace then begins anew.
    init(_ text: [UInt8]) {
        since = (try? JSONDecoder().decode([String: Int64].self, from: Data(text))) ?? [:]
    }

    var text: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(since)).map { [UInt8]($0) } ?? []
    }

    /// What is to be removed now, in order; it is forgotten here.
    /// - Parameters:
    ///   - present: all files below `metadata` and `targets`.
    ///   - keeps: those of the publication.
    mutating func collect(
        _ present: some Sequence<String>, keeping keeps: Set<String>, now: MetadataTime, grace: Duration
    ) -> [String] {
        var next: [String: Int64] = [:]
        var gone: [String] = []
        for name in present where !keeps.contains(name) && !Self.isForEver(name) {
            // A clock that was set back begins the grace anew.
            let since = min(self.since[name] ?? now.seconds, now.seconds)
            if now.seconds - since >= grace.components.seconds { gone.append(name) } else { next[name] = since }
        }
        since = next
        return gone.sorted()
    }

    private static func isForEver(_ name: String) -> Bool {
        name == "metadata/\(MirrorPlan.timestamp)" || (name.hasPrefix("metadata/") && name.hasSuffix(".root.json"))
    }
}
