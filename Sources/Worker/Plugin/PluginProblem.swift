/// A rule of the ABI that a plugin breaks, in a sentence for its author: the member, the rule, the fix.
struct PluginProblem: Error, Equatable, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}
