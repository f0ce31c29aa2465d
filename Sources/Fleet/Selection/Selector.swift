/// Which clients are meant, as a person writes it:
///
///     all
///     group=office and os=linux
///     not (name~"kiosk-*" or status=offline) and definitions<41
///
/// | field | compared with |
/// |---|---|
/// | `name` | the client's name |
/// | `client` | its id or its name |
/// | `group` | its group |
/// | `os` | `linux`, or what the system calls itself |
/// | `version` | Muster's on the client |
/// | `definitions` | the version of its definitions |
/// | `status` | `online`, `offline` |
///
/// `=` and `!=` ignore case, `~` takes a pattern with `*` and `?`, and `<`, `<=`, `>`, `>=` compare numbers within a text as
/// numbers: 9 before 10. What a client has not told is not less or more than anything. Words that are not plain stand in
/// double quotes, where `\` takes the next character as it is. `and` binds closer than `or`.
public struct Selector: Hashable, Sendable {
    /// Characters.
    public static let lengthLimit = 16_384
    /// Parentheses and `not` within each other.
    public static let depthLimit = 64

    public enum Field: String, Sendable, CaseIterable {
        case name, client, group, os, version, definitions, status
    }

    public enum Operator: String, Sendable, CaseIterable {
        case equal = "="
        case notEqual = "!="
        case less = "<"
        case lessOrEqual = "<="
        case greater = ">"
        case greaterOrEqual = ">="
        case like = "~"
    }

    /// A field compared with a text, and where it was written.
    public struct Comparison: Hashable, Sendable {
        public var field: Field
        public var comparator: Operator
        public var value: String
        /// Of the value, from 1.
        public var column: Int
    }

    indirect enum Expression: Hashable, Sendable {
        case all
        case comparison(Comparison)
        case not(Expression)
        case and(Expression, Expression)
        case or(Expression, Expression)
    }

    let expression: Expression

    /// Throws `SelectorError` where the text cannot be read.
    public init(_ text: String) throws(SelectorError) {
        var parser = SelectorParser(text)
        expression = try parser.parse()
    }

    /// Every comparison, in the order written: to tell whether what they name is there.
    public var comparisons: [Comparison] {
        var found: [Comparison] = []
        func walk(_ expression: Expression) {
            switch expression {
            case .all: break
            case .comparison(let comparison): found.append(comparison)
            case .not(let inner): walk(inner)
            case .and(let left, let right), .or(let left, let right):
                walk(left)
                walk(right)
            }
        }
        walk(expression)
        return found
    }

    /// Whether a client is meant.
    public func matches(_ subject: SelectorSubject) -> Bool { Self.holds(expression, subject) }

    private static func holds(_ expression: Expression, _ subject: SelectorSubject) -> Bool {
        switch expression {
        case .all: true
        case .comparison(let comparison): comparison.holds(for: subject)
        case .not(let inner): !holds(inner, subject)
        case .and(let left, let right): holds(left, subject) && holds(right, subject)
        case .or(let left, let right): holds(left, subject) || holds(right, subject)
        }
    }
}

/// What a selector looks at; nil: the client has not told.
public struct SelectorSubject: Sendable {
    public var id: ClientID
    public var name: String
    public var group: String
    public var osFamily: String?
    public var os: String?
    public var version: String?
    public var definitions: String?
    public var isOnline: Bool

    public init(
        id: ClientID, name: String, group: String, osFamily: String? = nil, os: String? = nil, version: String? = nil,
        definitions: String? = nil, isOnline: Bool = false
    ) {
        self.id = id
        self.name = name
        self.group = group
        self.osFamily = osFamily
        self.os = os
        self.version = version
        self.definitions = definitions
        self.isOnline = isOnline
    }

    fileprivate func texts(of field: Selector.Field) -> [String] {
        switch field {
        case .name: [name]
        case .client: [id.description, name]
        case .group: [group]
        case .os: [osFamily, os].compactMap { $0 }
        case .version: [version].compactMap { $0 }
        case .definitions: [definitions].compactMap { $0 }
        case .status: [isOnline ? "online" : "offline"]
        }
    }
}

extension Selector.Comparison {
    fileprivate func holds(for subject: SelectorSubject) -> Bool {
        let texts = subject.texts(of: field)
        switch comparator {
        case .equal: return texts.contains { $0.lowercased() == value.lowercased() }
        case .notEqual: return !texts.contains { $0.lowercased() == value.lowercased() }
        case .like: return texts.contains { Self.matches($0.lowercased(), pattern: value.lowercased()) }
        case .less: return texts.contains { NaturalOrder.compare($0, value) < 0 }
        case .lessOrEqual: return texts.contains { NaturalOrder.compare($0, value) <= 0 }
        case .greater: return texts.contains { NaturalOrder.compare($0, value) > 0 }
        case .greaterOrEqual: return texts.contains { NaturalOrder.compare($0, value) >= 0 }
        }
    }

    /// `*` stands for any characters, `?` for one. Linear but for the last star, which alone is gone back to.
    static func matches(_ text: String, pattern: String) -> Bool {
        let (text, pattern) = (Array(text), Array(pattern))
        var (t, p) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while t < text.count {
            if p < pattern.count, pattern[p] == "*" {
                star = (p, t)
                p += 1
            } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
                p += 1
                t += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                p = last.pattern + 1
                t = last.text + 1
            } else {
                return false
            }
        }
        return pattern[p...].allSatisfy { $0 == "*" }
    }
}

/// Texts in which numbers count as numbers: `v9` before `v10`, `1.2` before `1.10`.
public enum NaturalOrder {
    /// Below 0, 0, above 0.
    public static func compare(_ left: String, _ right: String) -> Int {
        var (left, right) = (Array(left.lowercased().utf8)[...], Array(right.lowercased().utf8)[...])
        while let a = left.first, let b = right.first {
            if isDigit(a), isDigit(b) {
                let (x, y) = (number(&left), number(&right))
                if x.count != y.count { return x.count - y.count }
                for (one, other) in zip(x, y) where one != other { return Int(one) - Int(other) }
            } else if a != b {
                return Int(a) - Int(b)
            } else {
                left.removeFirst()
                right.removeFirst()
            }
        }
        return left.count - right.count
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Takes the digits at the beginning, without leading zeros.
    private static func number(_ text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let digits = text.prefix(while: isDigit)
        text = text.dropFirst(digits.count)
        return digits.drop { $0 == 0x30 }
    }
}
