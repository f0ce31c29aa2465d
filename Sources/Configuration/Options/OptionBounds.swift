internal import PluginManifest

/// The least and greatest value of an option: of the value itself, or of the length of text and lists.
struct OptionBounds {
    private let minimum: Double?
    private let maximum: Double?
    private let declaration: OptionDeclaration

    /// Throws where the declaration's own bounds cannot be read.
    init(_ declaration: OptionDeclaration) throws(ScalarProblem) {
        self.declaration = declaration
        minimum = try Self.bound("minimum", declaration.minimum, of: declaration)
        maximum = try Self.bound("maximum", declaration.maximum, of: declaration)
    }

    /// Doubles hold every bound a person writes; only beyond 2^53 do neighbours become equal.
    private static func bound(
        _ name: String, _ text: String?, of declaration: OptionDeclaration
    ) throws(ScalarProblem) -> Double? {
        guard let text else { return nil }
        do throws(ScalarProblem) {
            return try bound(text, of: declaration)
        } catch {
            throw ScalarProblem("its \(name) \(quoted(text)) is not one" + (error.hint.map { ": \($0)" } ?? ""))
        }
    }

    private static func bound(_ text: String, of declaration: OptionDeclaration) throws(ScalarProblem) -> Double {
        switch declaration.type {
        case .integer: return Double(try ScalarText.integer(text))
        case .number: return try ScalarText.number(text)
        case .duration: return Double(try DurationText.parse(text))
        case .bytes: return Double(try BytesText.parse(text))
        case .string, .path, .url, .address, .list:
            let length = try ScalarText.integer(text)
            if length < 0 { throw ScalarProblem("a length cannot be negative") }
            return Double(length)
        case .bool, .enum: throw ScalarProblem("an option of this type has no bounds")
        }
    }

    struct Violation {
        /// `must be at least 1`.
        var rule: String
        /// What was found, where it is not simply what was written.
        var found: String?
    }

    /// nil: the value is within the bounds.
    func violation(by value: OptionValue) -> Violation? {
        let size: Double
        var found: String?
        switch value {
        case .integer(let number), .duration(let number), .bytes(let number): size = Double(number)
        case .number(let number): size = number
        case .string(let text), .path(let text), .url(let text), .address(let text):
            size = Double(text.unicodeScalars.count)
            found = "\(text.unicodeScalars.count)"
        case .list(let items):
            size = Double(items.count)
            found = "\(items.count)"
        case .bool, .enum: return nil
        }
        if let minimum, size < minimum { return Violation(rule: "must \(rule)", found: found) }
        if let maximum, size > maximum { return Violation(rule: "must \(rule)", found: found) }
        return nil
    }

    /// `be between 1 and 10`; with what is counted, for text and lists.
    private var rule: String {
        let unit = declaration.unit.map { " \($0)" } ?? ""
        let (verb, noun) =
            switch declaration.type {
            case .string, .path, .url, .address: ("have", " characters")
            case .list: ("have", " items")
            default: ("be", unit)
            }
        switch (declaration.minimum, declaration.maximum) {
        case (let low?, let high?) where low == high: return "\(verb) exactly \(low)\(noun)"
        case (let low?, let high?): return "\(verb) between \(low) and \(high)\(noun)"
        case (let low?, nil): return "\(verb) at least \(low)\(noun)"
        case (nil, let high?): return "\(verb) at most \(high)\(noun)"
        case (nil, nil): return "\(verb) anything"
        }
    }
}
