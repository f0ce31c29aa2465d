internal import PluginManifest

/// Why a text is not a value of the type that is wanted: the rest of the sentence "expected …, found …".
struct ScalarProblem: Error, Equatable {
    /// What to write instead; nil: the type's example says enough.
    var hint: String?

    init(_ hint: String? = nil) {
        self.hint = hint
    }
}

/// The one syntax of scalars: what operators write, and what manifests and the host's keys give as defaults and bounds.
enum ScalarText {
    /// The value that `text` stands for. Not for lists, and paths are not resolved.
    static func value(
        _ text: String, as type: OptionType, choices: [String] = []
    ) throws(ScalarProblem) -> OptionValue {
        switch type {
        case .bool: .bool(try bool(text))
        case .integer: .integer(try integer(text))
        case .number: .number(try number(text))
        case .string: .string(text)
        case .duration: .duration(try DurationText.parse(text))
        case .bytes: .bytes(try BytesText.parse(text))
        case .path: .path(try path(text))
        case .url: .url(try URLText.check(text))
        case .enum: .enum(try choice(text, of: choices))
        case .address: .address(try AddressText.check(text))
        case .list: throw ScalarProblem("write each item on a line of its own after '- ', or all in brackets")
        }
    }

    /// YAML's core schema, and no more of it than `true` and `false`.
    static func bool(_ text: String) throws(ScalarProblem) -> Bool {
        switch text {
        case "true": return true
        case "false": return false
        default: break
        }
        switch text.lowercased() {
        case "yes", "on", "true", "y": throw ScalarProblem("write true")
        case "no", "off", "false", "n": throw ScalarProblem("write false")
        default: throw ScalarProblem()
        }
    }

    /// Decimal or `0x`, with a sign; nothing that YAML's versions read in different ways.
    static func integer(_ text: String) throws(ScalarProblem) -> Int64 {
        let isNegative = text.hasPrefix("-")
        let digits = text.drop { $0 == "-" || $0 == "+" }
        guard text.utf8.count - digits.utf8.count <= 1 else { throw ScalarProblem() }
        if digits.hasPrefix("0x") {
            guard digits.dropFirst(2).utf8.allSatisfy(\.isHexadecimalDigit), digits.utf8.count > 2 else {
                throw ScalarProblem("after 0x come hexadecimal digits")
            }
            guard let value = Int64((isNegative ? "-" : "") + digits.dropFirst(2), radix: 16) else {
                throw ScalarProblem("it is too large")
            }
            return value
        }
        guard let first = digits.utf8.first, first.isDigit else { throw ScalarProblem() }
        guard digits.utf8.allSatisfy(\.isDigit) else {
            let plain = digits.filter { $0 != "_" && $0 != "," && $0 != "'" }
            let isGrouped = plain.utf8.count < digits.utf8.count && plain.utf8.allSatisfy(\.isDigit)
            throw ScalarProblem(isGrouped ? "write \(isNegative ? "-" : "")\(plain)" : nil)
        }
        if digits.utf8.count > 1, first == UInt8(ascii: "0") {
            let plain = digits.drop { $0 == "0" }
            throw ScalarProblem(
                "leading zeros mean octal to some readers; write \(plain.isEmpty ? "0" : String(plain))")
        }
        guard let value = Int64((isNegative ? "-" : "") + digits) else { throw ScalarProblem("it is too large") }
        return value
    }

    /// Digits, perhaps with a point and an exponent; neither infinite nor NaN.
    static func number(_ text: String) throws(ScalarProblem) -> Double {
        let allowed = text.utf8.allSatisfy { $0.isDigit || "+-.eE".utf8.contains($0) }
        guard allowed, text.utf8.contains(where: \.isDigit), let value = Double(text) else { throw ScalarProblem() }
        guard value.isFinite else { throw ScalarProblem("it is too large") }
        return value
    }

    static func choice(_ text: String, of choices: [String]) throws(ScalarProblem) -> String {
        if choices.contains(text) { return text }
        guard let near = NearestName.of(text, among: choices) else { throw ScalarProblem() }
        throw ScalarProblem("did you mean \(quoted(near))?")
    }

    static func path(_ text: String) throws(ScalarProblem) -> String {
        if text.isEmpty { throw ScalarProblem("it is empty") }
        if text == "~" || text.hasPrefix("~/") {
            throw ScalarProblem("'~' is not expanded here; write the whole path")
        }
        if text.utf8.count > 4096 { throw ScalarProblem("it is longer than Linux allows, 4096 bytes") }
        return text
    }
}

extension UInt8 {
    var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    var isHexadecimalDigit: Bool {
        isDigit || (self | 0x20 >= UInt8(ascii: "a") && self | 0x20 <= UInt8(ascii: "f"))
    }

    var isLetter: Bool { self | 0x20 >= UInt8(ascii: "a") && self | 0x20 <= UInt8(ascii: "z") }
}
