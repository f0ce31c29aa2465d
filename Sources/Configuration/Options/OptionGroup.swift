internal import PluginManifest

/// The keys that a section of the configuration may have, in the order of their declaration. A dot in an option's name
/// makes a group.
struct OptionGroup: Sendable {
    enum Member: Sendable {
        case option(OptionDeclaration)
        case group(OptionGroup)
        /// A part that is read by other means; the text says in a table what it is.
        case section(help: String)
    }

    private(set) var names: [String] = []
    private(set) var members: [String: Member] = [:]

    init() {}

    /// All options of `declarations`. Names that contradict each other are left out and answered in `conflicts`.
    init(_ declarations: [OptionDeclaration], conflicts: inout [String]) {
        for declaration in declarations where !insert(.option(declaration), at: declaration.name) {
            conflicts.append(declaration.name)
        }
    }

    /// Adds a member under a dotted name; false where the name is empty, taken, or goes through an option.
    mutating func insert(_ member: Member, at name: String) -> Bool {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count <= 8, parts.allSatisfy({ !$0.isEmpty }) else { return false }
        return insert(member, parts[...])
    }

    private mutating func insert(_ member: Member, _ parts: ArraySlice<String>) -> Bool {
        guard let first = parts.first else { return false }
        let rest = parts.dropFirst()
        guard !rest.isEmpty else {
            guard members[first] == nil else { return false }
            names.append(first)
            members[first] = member
            return true
        }
        var group = OptionGroup()
        if let present = members[first] {
            guard case .group(let existing) = present else { return false }
            group = existing
        }
        guard group.insert(member, rest) else { return false }
        if members[first] == nil { names.append(first) }
        members[first] = .group(group)
        return true
    }

    /// The names an operator may write here.
    var validNames: [String] { names }

    /// The member below a dotted name.
    func member(_ name: String) -> Member? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard let first = parts.first, let member = members[first] else { return nil }
        if parts.count == 1 { return member }
        guard case .group(let group) = member else { return nil }
        return group.member(parts.dropFirst().joined(separator: "."))
    }

    /// Dotted names, below this group, that end with the key `name`.
    func names(endingWith name: String, prefix: String = "") -> [String] {
        names.flatMap { key -> [String] in
            if case .group(let group)? = members[key] {
                return group.names(endingWith: name, prefix: prefix + key + ".")
            }
            return key == name && !prefix.isEmpty ? [prefix + key] : []
        }
    }
}
