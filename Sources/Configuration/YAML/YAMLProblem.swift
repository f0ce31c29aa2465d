internal import CYAML

/// An error of libyaml, to be said in words that help somebody who does not know YAML's grammar.
struct YAMLProblem {
    private let error: yaml_error_type_t
    private let problem: String
    private let context: String
    private let position: SourcePosition
    /// Where the thing began in which the problem is, such as an open quote.
    private let contextPosition: SourcePosition

    init(_ parser: yaml_parser_t) {
        error = parser.error
        problem = parser.problem.map { String(cString: $0) } ?? ""
        context = parser.context.map { String(cString: $0) } ?? ""
        position = parser.problem_mark.position
        contextPosition = parser.context_mark.position
    }

    func failure(in source: SourceText) -> YAMLFailure {
        if error == YAML_MEMORY_ERROR {
            return YAMLFailure(message: "there is not enough memory to read the file", span: .beginning)
        }
        let line = Array(source.line(position.line).unicodeScalars)
        let scalar = position.column <= line.count ? line[position.column - 1] : nil
        let here = mark(textEnd(near: position, in: source))
        return explained(here: here, line: line, scalar: scalar, in: source)
            ?? YAMLFailure(message: "this is not YAML: \(problem)" + (context.isEmpty ? "" : " \(context)"), span: here)
    }

    /// The problems that people meet; the words compared are those of libyaml 0.2.
    private func explained(
        here: SourceSpan, line: [Unicode.Scalar], scalar: Unicode.Scalar?, in source: SourceText
    ) -> YAMLFailure? {
        func fail(_ message: String) -> YAMLFailure { YAMLFailure(message: message, span: here) }
        switch problem {
        case "found character that cannot start any token":
            return fail(unexpectedCharacter(scalar))
        case "found a tab character where an indentation space is expected",
            "found a tab character that violates indentation":
            return fail("a tab cannot indent in YAML; use spaces")
        case "mapping values are not allowed in this context":
            return unexpectedColon(here: here, in: source)
        case "mapping keys are not allowed in this context":
            return fail("a key is not expected here; check the indentation of this line")
        case "block sequence entries are not allowed in this context":
            return fail("a list item cannot begin here; put each '- ' on a line of its own")
        case "could not find expected ':'":
            return missingColon(in: source)
        case "did not find expected key":
            return missingKey(here: here, in: source)
        case "did not find expected '-' indicator":
            return fail("a list item, '- ', is expected here; check the indentation of this line")
        case "did not find expected ',' or ']'":
            return unclosed("list", "]", here: here, in: source)
        case "did not find expected ',' or '}'":
            return unclosed("mapping", "}", here: here, in: source)
        case "did not find expected alphabetic or numeric character":
            return badAnchor()
        case "found unexpected end of stream", "found unexpected document indicator":
            return YAMLFailure(message: "the quote that opens here is never closed", span: mark(contextPosition))
        case "found unknown escape character":
            let escape = position.column < line.count ? visible(String(line[position.column])) : ""
            return fail(
                "'\\\(escape)' is not an escape of YAML; write \\\\ for a backslash, or use single quotes")
        case "did not find expected hexdecimal number", "found invalid Unicode character escape code":
            return fail("this escape needs hexadecimal digits that name a character, such as \\u00e9")
        case "did not find expected comment or line break":
            return fail("after '|' or '>' the text begins on the next line")
        case "did not find expected <document start>":
            return fail("the document ended before this line; check the indentation")
        case "found undefined tag handle":
            return fail("a value that begins with '!' must be in quotes")
        case "did not find expected node content":
            let isAddress = source.line(position.line).contains("[:")
            return fail(
                isAddress
                    ? "an address in brackets must be in quotes, such as \"[::]:443\"" : "a value is expected here")
        default:
            return nil
        }
    }

    /// libyaml finds what is missing at the end of the file; a person looks where its last text ends.
    private func textEnd(near position: SourcePosition, in source: SourceText) -> SourcePosition {
        func isBlank(_ line: Int) -> Bool { source.line(line).allSatisfy(\.isWhitespace) }
        guard position.line >= source.lineCount, isBlank(position.line) else { return position }
        var line = position.line
        while line > 1, isBlank(line) { line -= 1 }
        return SourcePosition(line: line, column: source.line(line).unicodeScalars.count + 1)
    }

    private func mark(_ position: SourcePosition) -> SourceSpan {
        SourceSpan(position, SourcePosition(line: position.line, column: position.column + 1))
    }

    private func unexpectedCharacter(_ scalar: Unicode.Scalar?) -> String {
        guard let scalar else { return "the line ends where a value is expected" }
        if scalar == "\t" { return "a tab cannot indent in YAML; use spaces" }
        return "a value cannot begin with '\(visible(String(scalar)))' unquoted; put it in quotes"
    }

    /// A line that should have been `key: value`: the context is where it begins.
    private func missingColon(in source: SourceText) -> YAMLFailure {
        let line = source.line(contextPosition.line)
        let end = SourcePosition(line: contextPosition.line, column: line.unicodeScalars.count + 1)
        return YAMLFailure(
            message: "this is neither 'key: value' nor a list item: the ': ' after the key is missing",
            span: SourceSpan(contextPosition, end))
    }

    /// Either text with a colon in it, or a line above that lacks its colon: YAML takes both lines for one text.
    private func unexpectedColon(here: SourceSpan, in source: SourceText) -> YAMLFailure {
        let line = source.line(position.line).unicodeScalars
        let above = source.line(position.line - 1).unicodeScalars
        let indentation = line.prefix { $0 == " " }.count
        let isPlain = !above.contains(":") && !above.contains("#")
        if isPlain, above.prefix(while: { $0 == " " }).count == indentation, above.count > indentation {
            let start = SourcePosition(line: position.line - 1, column: indentation + 1)
            return YAMLFailure(
                message: "this is neither 'key: value' nor a list item: the ': ' after the key is missing",
                span: SourceSpan(start, SourcePosition(line: position.line - 1, column: above.count + 1)))
        }
        return YAMLFailure(
            message:
                "a ':' is not expected here: quote the text if it contains ': ', or check the indentation of this line",
            span: here)
    }

    private func missingKey(here: SourceSpan, in source: SourceText) -> YAMLFailure {
        let line = source.line(position.line)
        if line.contains("]:") {
            return YAMLFailure(message: "an address in brackets must be in quotes, such as \"[::]:443\"", span: here)
        }
        let before = line.unicodeScalars.prefix(max(0, position.column - 1))
        guard before.allSatisfy({ $0 == " " }) else {
            return YAMLFailure(
                message: "nothing can follow the value before this; put the whole value in quotes, and write a quote "
                    + "inside single quotes twice",
                span: here)
        }
        let message = "a key is expected here; check the indentation of this line"
        guard contextPosition.line < position.line else { return YAMLFailure(message: message, span: here) }
        return YAMLFailure(
            message: message, span: here, note: ("the mapping it would belong to begins here", mark(contextPosition)))
    }

    private func unclosed(_ kind: String, _ bracket: String, here: SourceSpan, in source: SourceText) -> YAMLFailure {
        let line = source.line(position.line)
        if line.contains("${") {
            return YAMLFailure(
                message: "inside brackets a variable must be in quotes, such as \"${NAME}\"", span: here)
        }
        if contextPosition.line < position.line {
            return YAMLFailure(
                message: "the \(kind) that opens here is not closed", span: mark(contextPosition),
                note: ("a ',' or '\(bracket)' is expected before this", here))
        }
        return YAMLFailure(
            message: "a ',' or '\(bracket)' is expected here, in the \(kind) that is still open", span: here)
    }

    /// `*:443` and the like: YAML reads `*` as an alias and `&` as an anchor.
    private func badAnchor() -> YAMLFailure {
        let sign = context.contains("alias") ? "*" : "&"
        return YAMLFailure(
            message: "a value that begins with '\(sign)' must be in quotes"
                + (sign == "*" ? ", such as \"*:443\"" : ""),
            span: mark(contextPosition))
    }
}
