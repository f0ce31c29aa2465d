/// A JSON value as The Update Framework has it: numbers are integers, and everything that was there is kept.
///
/// Our own, because what is signed is the canonical form of all that was sent, unknown fields included, and because the
/// usual decoders take `true` for 1, `1.0` for 1 and the last of two equal keys.
public enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case string(String)
    case array([JSON])
    case object(JSONObject)
}

/// An object, in the order in which it was written. No two keys are equal.
public struct JSONObject: Hashable, Sendable {
    public struct Member: Hashable, Sendable {
        public var key: String
        public var value: JSON

        public init(_ key: String, _ value: JSON) {
            self.key = key
            self.value = value
        }
    }

    public private(set) var members: [Member]

    public init() { members = [] }

    /// The first member of a key counts.
    public init(_ members: [Member]) {
        var seen: Set<String> = []
        self.members = members.filter { seen.insert($0.key).inserted }
    }

    /// What a parser has checked already.
    init(unique members: [Member]) { self.members = members }

    public var isEmpty: Bool { members.isEmpty }

    /// Looks through all members: for objects with few of them.
    public subscript(key: String) -> JSON? {
        get { members.first { $0.key == key }?.value }
        set {
            let index = members.firstIndex { $0.key == key }
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(key, value))
            case (nil, nil): break
            }
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSON)...) { self.init(elements.map { Member($0.0, $0.1) }) }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(JSONObject(elements.map { .init($0.0, $0.1) }))
    }
}
