/// `${NAME}` and `${NAME:-default}` in scalars; `$${` stands for `${`.
struct EnvironmentSubstitution {
    /// Bytes a scalar may have after its variables were put in.
    static let limit = 64 * 1024

    struct Failure: Error {
        var message: String
        /// The part of the text that is to blame, in Unicode scalars.
        var range: Range<Int>
    }

    let environment: [String: String]

    /// The text with its variables put in, and whether there were any.
    func expand(_ text: String) throws(Failure) -> (text: String, isChanged: Bool) {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return (text, false) }
        let scalars = Array(text.unicodeScalars)
        var result = String.UnicodeScalarView()
        var size = 0
        var isChanged = false
        var index = 0
        while index < scalars.count {
            let rest = scalars[index...]
            if rest.starts(with: "$${".unicodeScalars) {
                result.append(contentsOf: "${".unicodeScalars)
                size += 2
                index += 3
                isChanged = true
            } else if rest.starts(with: "${".unicodeScalars) {
                guard let close = rest.firstIndex(of: "}") else {
                    throw Failure(
                        message: "this '${' has no '}'; write $${ for a plain '${'", range: index..<scalars.count)
                }
                let value = try value(of: Array(scalars[(index + 2)..<close]), at: index..<(close + 1))
                result.append(contentsOf: value.unicodeScalars)
                size += value.utf8.count
                index = close + 1
                isChanged = true
            } else {
                result.append(scalars[index])
                size += 1
                index += 1
            }
            if isChanged, size > Self.limit {
                throw Failure(
                    message: "with its variables put in, the text is longer than \(Self.limit) bytes",
                    range: 0..<scalars.count)
            }
        }
        return (String(result), isChanged)
    }

    private func value(of inside: [Unicode.Scalar], at range: Range<Int>) throws(Failure) -> String {
        let nameEnd = inside.firstIndex { !Self.isNamePart($0) } ?? inside.count
        let name = String(String.UnicodeScalarView(inside[..<nameEnd]))
        let rest = inside[nameEnd...]
        guard let first = inside.first, Self.isNamePart(first), !("0"..."9").contains(first),
            rest.isEmpty || rest.starts(with: ":-".unicodeScalars)
        else {
            throw Failure(
                message: "write a variable as ${NAME} or ${NAME:-default}, and $${ for a plain '${'", range: range)
        }
        let value = environment[name]
        guard rest.isEmpty else {
            if let value, !value.isEmpty { return value }
            return String(String.UnicodeScalarView(rest.dropFirst(2)))
        }
        guard let value else {
            throw Failure(
                message:
                    "the environment variable \(quoted(name)) is not set; set it, or write ${\(shortened(name)):-default}",
                range: range)
        }
        return value
    }

    private func shortened(_ name: String) -> String { name.utf8.count > 60 ? "NAME" : name }

    private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
        guard let byte = UInt8(exactly: scalar.value) else { return false }
        return byte.isLetter || byte.isDigit || scalar == "_"
    }
}
