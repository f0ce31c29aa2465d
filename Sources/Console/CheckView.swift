internal import Configuration

/// What `muster check` found, for a person.
public struct CheckView: Sendable {
    /// The configuration's file, as it was named.
    public var path: String
    public var isValid: Bool
    /// Each a whole message, several lines long where it shows an excerpt.
    public var diagnostics: [String]
    /// The components in their order, with what is wrong; nil: nothing.
    public var components: [(name: String, problem: String?)]

    public init(path: String, isValid: Bool, diagnostics: [String], components: [(name: String, problem: String?)]) {
        self.path = path
        self.isValid = isValid
        self.diagnostics = diagnostics
        self.components = components
    }

    /// Several lines without a final line break.
    public func render(on terminal: Terminal) -> String {
        var texts = diagnostics.map { lines($0).joined(separator: "\n") }
        for component in components {
            guard let problem = component.problem, !diagnostics.contains(where: { $0.contains(problem) }) else {
                continue
            }
            texts.append("\(oneLine(component.name)): \(oneLine(problem))")
        }
        texts.append(conclusion(on: terminal))
        return texts.joined(separator: "\n")
    }

    private func conclusion(on terminal: Terminal) -> String {
        let file = oneLine(path)
        guard isValid else {
            return Style.bad("\(file) cannot be used as it is; nothing was changed.", if: terminal.usesColor)
        }
        let names = components.map { oneLine($0.name) }
        let text = names.isEmpty ? "no component is enabled." : "\(listed(names, with: "and")) can run."
        let whole = "\(file) is in order: \(text)".wrapped(to: terminal.width)
        return Style.good(whole, if: terminal.usesColor)
    }
}
