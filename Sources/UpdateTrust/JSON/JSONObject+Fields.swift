/// What is wrong with a document that is JSON, and where.
public struct MetadataError: Error, Hashable, Sendable, CustomStringConvertible {
    /// `signed.roles.snapshot.threshold`; empty: the document as a whole.
    public var place: String
    public var reason: String

    public init(_ place: String, _ reason: String) {
        self.place = place
        self.reason = reason
    }

    public var description: String { place.isEmpty ? reason : "\(place): \(reason)" }
}

/// An object of a document with the place where it is, so that what is wrong can be said in full.
struct JSONFields {
    let object: JSONObject
    let place: String

    init(_ value: JSON, at place: String) throws(MetadataError) {
        guard case .object(let object) = value else { throw MetadataError(place, "it must be an object") }
        self.object = object
        self.place = place
    }

    func at(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

    func value(_ key: String) throws(MetadataError) -> JSON {
        guard let value = object[key] else { throw MetadataError(at(key), "it is missing") }
        return value
    }

    func string(_ key: String) throws(MetadataError) -> String {
        guard case .string(let text) = try value(key) else { throw MetadataError(at(key), "it must be a text") }
        return text
    }

    /// A member as its object lists it: where there may be many, none is looked for again.
    func string(_ member: JSONObject.Member) throws(MetadataError) -> String {
        guard case .string(let text) = member.value else { throw MetadataError(at(member.key), "it must be a text") }
        return text
    }

    func fields(_ member: JSONObject.Member) throws(MetadataError) -> JSONFields {
        try JSONFields(member.value, at: at(member.key))
    }

    func bool(_ key: String) throws(MetadataError) -> Bool {
        guard case .bool(let flag) = try value(key) else { throw MetadataError(at(key), "it must be true or false") }
        return flag
    }

    func integer(_ key: String, from least: Int64) throws(MetadataError) -> Int64 {
        guard case .integer(let number) = try value(key) else {
            throw MetadataError(at(key), "it must be an integer")
        }
        guard number >= least else { throw MetadataError(at(key), "it is \(number), and must be \(least) at least") }
        return number
    }

    func array(_ key: String) throws(MetadataError) -> [JSON] {
        guard case .array(let items) = try value(key) else { throw MetadataError(at(key), "it must be a list") }
        return items
    }

    func strings(_ key: String) throws(MetadataError) -> [String] {
        var texts: [String] = []
        for item in try array(key) {
            guard case .string(let text) = item else { throw MetadataError(at(key), "it must be a list of texts") }
            texts.append(text)
        }
        return texts
    }

    func fields(_ key: String) throws(MetadataError) -> JSONFields { try JSONFields(try value(key), at: at(key)) }

    /// nil where the key is missing.
    func fieldsIfPresent(_ key: String) throws(MetadataError) -> JSONFields? {
        guard let value = object[key] else { return nil }
        return try JSONFields(value, at: at(key))
    }
}
