/// Why a selector cannot be read, and where.
public struct SelectorError: Error, Hashable, Sendable, CustomStringConvertible {
    /// In characters, from 1.
    public var column: Int
    public var reason: String

    public var description: String { "column \(column): \(reason)" }
}

/// Reads a selector by recursive descent: one function for each level of binding.
struct SelectorParser {
    private enum Token: Equatable {
        case word(String)
        case text(String)
        case comparator(Selector.Operator)
        case open, close, end
    }

    private let characters: [Character]
    private var position = 0
    /// Where the token in hand begins, from 1.
    private var column = 1
    private var token = Token.end
    private var depth = 0

    init(_ text: String) {
        // One more than is allowed, so that it is noticed.
        characters = Array(text.prefix(Selector.lengthLimit + 1))
    }

    mutating func parse() throws(SelectorError) -> Selector.Expression {
        guard characters.count <= Selector.lengthLimit else {
            throw SelectorError(
                column: Selector.lengthLimit + 1, reason: "a selector has \(Selector.lengthLimit) characters at most")
        }
        try advance()
        guard token != .end else {
            throw SelectorError(column: 1, reason: "it is empty; write 'all' for every client")
        }
        let expression = try disjunction()
        guard token == .end else { throw error("'and', 'or' or the end was expected, not \(tokenText)") }
        return expression
    }

    private mutating func disjunction() throws(SelectorError) -> Selector.Expression {
        var left = try conjunction()
        while token == .word("or") {
            try advance()
            left = .or(left, try conjunction())
        }
        return left
    }

    private mutating func conjunction() throws(SelectorError) -> Selector.Expression {
        var left = try term()
        while token == .word("and") {
            try advance()
            left = .and(left, try term())
        }
        return left
    }

    private mutating func term() throws(SelectorError) -> Selector.Expression {
        depth += 1
        defer { depth -= 1 }
        guard depth <= Selector.depthLimit else {
            throw error("it is nested more than \(Selector.depthLimit) deep")
        }
        switch token {
        case .word("not"):
            try advance()
            return .not(try term())
        case .open:
            let opening = column
            try advance()
            let inner = try disjunction()
            guard token == .close else {
                throw token == .end
                    ? SelectorError(column: opening, reason: "this '(' is never closed")
                    : error("'and', 'or' or ')' was expected, not \(tokenText)")
            }
            try advance()
            return inner
        case .word(let word):
            // A field may be called like no keyword, so what follows decides.
            let start = column
            try advance()
            guard case .comparator = token else {
                if word == "all" { return .all }
                throw Selector.Field(rawValue: word) != nil
                    ? error("'=', '!=', '<', '<=', '>', '>=' or '~' was expected after '\(word)', not \(tokenText)")
                    : unknown(word, at: start)
            }
            return try comparison(word, at: start)
        default: throw error("a comparison such as group=office was expected, not \(tokenText)")
        }
    }

    private mutating func comparison(_ name: String, at start: Int) throws(SelectorError) -> Selector.Expression {
        guard let field = Selector.Field(rawValue: name) else { throw unknown(name, at: start) }
        guard case .comparator(let comparator) = token else { throw error("an operator was expected") }
        try advance()
        let value: String
        switch token {
        case .word(let word): value = word
        case .text(let text): value = text
        default: throw error("a value was expected after '\(name)\(comparator.rawValue)', not \(tokenText)")
        }
        let place = column
        if field == .status, !["online", "offline"].contains(value.lowercased()) {
            throw error("the status is 'online' or 'offline', not \(tokenText)")
        }
        try advance()
        return .comparison(
            Selector.Comparison(field: field, comparator: comparator, value: value, column: place))
    }

    private func unknown(_ name: String, at column: Int) -> SelectorError {
        let fields = Selector.Field.allCases.map(\.rawValue).joined(separator: ", ")
        return SelectorError(
            column: column, reason: "there is no field '\(Self.shortened(name))'; there are \(fields), and the word all"
        )
    }

    private func error(_ reason: String) -> SelectorError { SelectorError(column: column, reason: reason) }

    private var tokenText: String {
        switch token {
        case .word(let word): "'\(Self.shortened(word))'"
        case .text(let text): "\"\(Self.shortened(text))\""
        case .comparator(let comparator): "'\(comparator.rawValue)'"
        case .open: "'('"
        case .close: "')'"
        case .end: "the end"
        }
    }

    private static func shortened(_ text: String) -> String { text.count <= 40 ? text : text.prefix(39) + "…" }

    // MARK: Tokens

    private mutating func advance() throws(SelectorError) {
        while position < characters.count, characters[position].isWhitespace { position += 1 }
        column = position + 1
        guard position < characters.count else {
            token = .end
            return
        }
        let character = characters[position]
        switch character {
        case "(", ")":
            position += 1
            token = character == "(" ? .open : .close
        case "\"": token = .text(try quoted())
        case "=", "!", "<", ">", "~": token = .comparator(try comparator())
        default:
            let start = position
            while position < characters.count, !Self.endsWord(characters[position]) { position += 1 }
            token = .word(String(characters[start..<position]))
        }
    }

    private static func endsWord(_ character: Character) -> Bool {
        character.isWhitespace || "()\"=!<>~".contains(character)
    }

    private mutating func comparator() throws(SelectorError) -> Selector.Operator {
        let two = String(characters[position..<min(position + 2, characters.count)])
        if let found = Selector.Operator(rawValue: two) ?? Selector.Operator(rawValue: String(two.prefix(1))) {
            position += found.rawValue.count
            return found
        }
        throw error("'\(characters[position])' is no operator; there are =, !=, <, <=, >, >= and ~")
    }

    private mutating func quoted() throws(SelectorError) -> String {
        position += 1
        var text = ""
        while position < characters.count {
            let character = characters[position]
            position += 1
            if character == "\"" { return text }
            if character == "\\" {
                guard position < characters.count else { break }
                text.append(characters[position])
                position += 1
            } else {
                text.append(character)
            }
        }
        throw error("this '\"' is never closed")
    }
}
