/// An entity tag (RFC 9110 §8.8.3): `"xyzzy"`, `W/"xyzzy"`.
struct EntityTag: Equatable {
    var isWeak = false
    /// What is between the quotes.
    var opaque: String

    var text: String { (isWeak ? "W/" : "") + "\"\(opaque)\"" }

    /// Whether both are the same and neither is weak: what ranges and If-Match need.
    func matchesStrongly(_ other: Self) -> Bool { !isWeak && !other.isWeak && opaque == other.opaque }

    /// Whether both are the same: what If-None-Match needs.
    func matchesWeakly(_ other: Self) -> Bool { opaque == other.opaque }
}

extension EntityTag {
    /// Nil unless `text` is one tag and nothing else.
    init?(_ text: String) {
        var rest = Substring(text)
        guard let tag = Self.take(&rest), rest.isEmpty else { return nil }
        self = tag
    }

    /// Takes a tag from the front of `text`; nil where there is none.
    static func take(_ text: inout Substring) -> EntityTag? {
        var rest = text
        let isWeak = rest.hasPrefix("W/")
        if isWeak { rest.removeFirst(2) }
        guard rest.first == "\"" else { return nil }
        rest.removeFirst()
        guard let end = rest.utf8.firstIndex(of: UInt8(ascii: "\"")) else { return nil }
        let opaque = rest[..<end]
        // etagc: no controls, no blanks.
        guard opaque.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        text = rest[rest.utf8.index(after: end)...]
        return EntityTag(isWeak: isWeak, opaque: String(opaque))
    }
}

/// The value of If-Match or If-None-Match.
enum EntityTagList: Equatable {
    /// `*`: any representation there is.
    case any
    case tags([EntityTag])

    /// Reads as far as the value makes sense: what follows a mistake matches nothing.
    init(_ value: String) {
        let blanks: Set<Character> = [" ", "\t", ","]
        var rest = value[...]
        if value.trimmingBlanks == "*" {
            self = .any
            return
        }
        var tags: [EntityTag] = []
        while true {
            rest = rest.drop { blanks.contains($0) }
            guard let tag = EntityTag.take(&rest) else { break }
            tags.append(tag)
            // Between tags there is a comma.
            let gap = rest.prefix { blanks.contains($0) }
            guard gap.contains(",") else { break }
        }
        self = .tags(tags)
    }

    func contains(where matches: (EntityTag) -> Bool) -> Bool {
        switch self {
        case .any: true
        case .tags(let tags): tags.contains(where: matches)
        }
    }
}

extension StringProtocol {
    /// Without spaces and tabs around it.
    var trimmingBlanks: SubSequence {
        let isBlank = { (character: Character) in character == " " || character == "\t" }
        var rest = self.drop(while: isBlank)
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return rest
    }
}
