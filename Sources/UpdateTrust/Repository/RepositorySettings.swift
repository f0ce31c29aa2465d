/// What a publisher has chosen once: kept in `.settings.json` of the repository.
public struct RepositorySettings: Hashable, Sendable {
    /// For how many days each role is signed.
    public var days: [String: Int] = [
        RoleName.root: 365, RoleName.targets: 90, RoleName.snapshot: 7, RoleName.timestamp: 1,
    ]
    /// For how many older versions of a target a delta is made.
    public var deltas = 3
    /// For how many days files stay that are no longer named.
    public var keepDays = 30
    /// Where the root's keys are, if elsewhere than in the repository.
    public var rootKeys: String?

    public init() {}

    /// Delegated roles are signed for as long as targets.
    func days(of role: String) -> Int { days[role] ?? days[RoleName.targets] ?? 90 }

    var json: JSON {
        var object: JSONObject = ["deltas": .integer(Int64(deltas)), "keep_days": .integer(Int64(keepDays))]
        object["days"] = .object(
            JSONObject(days.sorted { $0.key < $1.key }.map { .init($0.key, .integer(Int64($0.value))) }))
        if let rootKeys { object["root_keys"] = .string(rootKeys) }
        return .object(object)
    }

    init(_ json: JSON) throws(MetadataError) {
        let fields = try JSONFields(json, at: "")
        deltas = Int(clamping: try fields.integer("deltas", from: 0))
        keepDays = Int(clamping: try fields.integer("keep_days", from: 0))
        let listed = try fields.fields("days")
        days = [:]
        for member in listed.object.members {
            days[member.key] = Int(clamping: try listed.integer(member.key, from: 1))
        }
        rootKeys = fields.object["root_keys"] == nil ? nil : try fields.string("root_keys")
    }
}
