/// What the next publication changes, by target path.
struct StagedChanges {
    struct Addition {
        /// SHA-256 of the content, which is `files/<digest>` of the folder.
        var digest: String
        var length: UInt64
        var custom: JSONObject?
        var role: String
    }

    var additions: [String: Addition] = [:]
    var removals: Set<String> = []

    var isEmpty: Bool { additions.isEmpty && removals.isEmpty }

    init() {}

    var json: JSON {
        var added = JSONObject()
        for (path, addition) in additions.sorted(by: { $0.key < $1.key }) {
            var entry: JSONObject = [
                "digest": .string(addition.digest), "length": .integer(Int64(clamping: addition.length)),
                "role": .string(addition.role),
            ]
            if let custom = addition.custom { entry["custom"] = .object(custom) }
            added[path] = .object(entry)
        }
        return ["add": .object(added), "remove": .array(removals.sorted().map { .string($0) })]
    }

    init(_ json: JSON) throws(MetadataError) {
        let fields = try JSONFields(json, at: "")
        let added = try fields.fields("add")
        for member in added.object.members {
            let entry = try added.fields(member.key)
            additions[member.key] = Addition(
                digest: try entry.string("digest"), length: UInt64(try entry.integer("length", from: 0)),
                custom: try entry.fieldsIfPresent("custom")?.object, role: try entry.string("role"))
        }
        removals = Set(try fields.strings("remove"))
    }
}
