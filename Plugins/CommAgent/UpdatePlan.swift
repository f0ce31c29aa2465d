import UpdateTrust

/// How each file of a set is come by. Pure.
struct UpdatePlan: Sendable {
    struct Step: Sendable, Hashable {
        enum Way: Sendable, Hashable {
            /// It is there already, in this file.
            case keep(String)
            /// From this file by a delta that is smaller.
            case delta(TargetFile, from: String)
            case full
        }

        var target: TargetFile
        /// In the set's folder.
        var name: String
        var way: Way
    }

    let steps: [Step]

    /// - Parameter local: paths of whole files by name and SHA-256, in hexadecimal: of the set in use and the one before.
    init(_ offer: UpdateOffer, local: [String: [String: String]]) {
        steps = offer.set.map { target in
            let name = UpdateOffer.name(of: target)
            let there = local[name] ?? [:]
            return Step(target: target, name: name, way: Self.way(to: target, there, offer.deltas))
        }
    }

    private static func way(
        to target: TargetFile, _ there: [String: String], _ deltas: [TargetFile]
    ) -> Step.Way {
        guard let wanted = target.hashes.sha256 else { return .full }
        if let path = there[wanted] { return .keep(path) }
        let usable = deltas.filter { delta in
            guard let ends = delta.delta else { return false }
            return ends.to.lowercased() == wanted && there[ends.from.lowercased()] != nil
                && delta.length < target.length && delta.path.hasPrefix("\(UpdateOffer.deltaFolder)\(target.path)/")
        }
        guard let smallest = usable.min(by: { $0.length < $1.length }), let ends = smallest.delta,
            let from = there[ends.from.lowercased()]
        else { return .full }
        return .delta(smallest, from: from)
    }

    /// Files by name and digest, of sets in the order of preference.
    static func local(_ sets: [DefinitionsSet], in store: DefinitionsStore) -> [String: [String: String]] {
        var local: [String: [String: String]] = [:]
        for set in sets {
            for (name, digest) in set.files where local[name]?[digest] == nil {
                local[name, default: [:]][digest] = "\(store.path(of: set))/\(name)"
            }
        }
        return local
    }
}
