internal import PluginManifest

/// A value that was read, with what it was read from.
struct ReadOption {
    var value: OptionValue
    /// nil: the default.
    var entry: YAMLEntry?
}

/// Reads values out of YAML as their declarations want them; what is wrong becomes a problem.
struct OptionReader {
    /// nil: `${…}` is plain text, as in the defaults of a manifest.
    let substitution: EnvironmentSubstitution?
    /// Where relative paths begin.
    let folder: String
    /// Where the section is, for messages: `components.UpdateService.config`.
    let title: String
    var problems: Problems
    /// Bytes that variables brought in so far. A few references could otherwise fill the memory.
    private var substitutedBytes = 0

    init(_ title: String, in source: SourceText, folder: String, environment: [String: String]?) {
        self.title = title
        self.folder = folder
        self.substitution = environment.map(EnvironmentSubstitution.init(environment:))
        self.problems = Problems(in: source)
    }

    /// The value of an entry; nil, and a problem, where it is not what the declaration wants.
    mutating func value(of entry: YAMLEntry, as declaration: OptionDeclaration, name: String) -> OptionValue? {
        if declaration.isSecret, entry.value.secretFile == nil { problems.hidden += entry.value.allSpans }
        if entry.value.isNull {
            let empty = declaration.type == .string ? " (\"\" for empty text)" : ""
            problems.add("\(name) has no value; expected \(declaration.expectation)\(empty)", at: entry.keySpan)
            return nil
        }
        switch (declaration.type, entry.value.content) {
        case (.list, .sequence(let items)):
            return list(items, of: entry, as: declaration, name: name)
        case (_, .mapping) where declaration.isSecret && declaration.type != .list:
            return secret(entry, as: declaration, name: name)
        case (_, .scalar(let scalar)):
            return self.scalar(scalar, entry.blamedSpan, as: declaration, name: name)
        default:
            problems.add(
                "\(name): expected \(declaration.expectation), found \(entry.value.kind)", at: entry.blamedSpan)
            return nil
        }
    }

    private mutating func list(
        _ items: [YAMLNode], of entry: YAMLEntry, as declaration: OptionDeclaration, name: String
    ) -> OptionValue? {
        let type = declaration.itemType ?? .string
        var values: [OptionValue] = []
        for item in items {
            let blamed = item.span.start == item.span.end ? entry.keySpan : item.span
            guard case .scalar(let scalar) = item.content, !item.isNull else {
                problems.add(
                    "\(name): expected \(declaration.itemExpectation), found \(item.kind)", at: blamed)
                continue
            }
            if let value = parse(
                scalar, blamed, as: type, of: declaration, expectation: declaration.itemExpectation, name: name)
            {
                values.append(value)
            }
        }
        guard values.count == items.count else { return nil }
        return checked(.list(values), entry.blamedSpan, written: nil, as: declaration, name: name)
    }

    private mutating func scalar(
        _ scalar: YAMLScalar, _ span: SourceSpan, as declaration: OptionDeclaration, name: String
    ) -> OptionValue? {
        let value = parse(
            scalar, span, as: declaration.type, of: declaration, expectation: declaration.expectation, name: name)
        guard let value else { return nil }
        return checked(value, span, written: scalar.text, as: declaration, name: name)
    }

    /// A scalar's value without its bounds.
    private mutating func parse(
        _ scalar: YAMLScalar, _ span: SourceSpan, as type: OptionType, of declaration: OptionDeclaration,
        expectation: String, name: String
    ) -> OptionValue? {
        guard let (text, isSubstituted) = expand(scalar, span, name: name) else { return nil }
        let isQuoted = scalar.style != .plain
        if isQuoted, !isSubstituted, [.bool, .integer, .number].contains(type) {
            let isRight = (try? ScalarText.value(text, as: type)) != nil
            let found = declaration.isSecret ? "text in quotes" : "the text \(quoted(text))"
            problems.add(
                "\(name): expected \(expectation), found \(found)\(isRight ? "; remove the quotes" : "")", at: span)
            return nil
        }
        do throws(ScalarProblem) {
            let value = try ScalarText.value(text, as: type, choices: declaration.choices)
            guard case .path(let path) = value else { return value }
            return .path(FilePath.absolute(path, in: folder))
        } catch {
            // A password in a URL is a secret, whatever the manifest says.
            let hasPassword = type == .url && text.utf8.contains(UInt8(ascii: "@"))
            if hasPassword { problems.hidden.append(span) }
            let found =
                declaration.isSecret || hasPassword
                ? "something else" : found(text, isSubstituted: isSubstituted, scalar: scalar)
            // A hint may quote a part of the text.
            let hint = declaration.isSecret ? "" : error.hint.map { "; \($0)" } ?? ""
            problems.add("\(name): expected \(expectation), found \(found)\(hint)", at: span)
            return nil
        }
    }

    private func found(_ text: String, isSubstituted: Bool, scalar: YAMLScalar) -> String {
        isSubstituted ? "\(quoted(text)), from \(quoted(scalar.text))" : quoted(text)
    }

    /// The scalar's text with its variables put in.
    mutating func expand(_ scalar: YAMLScalar, _ span: SourceSpan, name: String) -> (text: String, isSubstituted: Bool)?
    {
        guard let substitution, scalar.style == .plain || scalar.style == .doubleQuoted else {
            return (scalar.text, false)
        }
        do throws(EnvironmentSubstitution.Failure) {
            let expanded = try substitution.expand(scalar.text)
            if expanded.isChanged { substitutedBytes += expanded.text.utf8.count }
            guard substitutedBytes <= YAMLLimits.bytes else {
                problems.add("\(name): the variables put in so far have more than \(YAMLLimits.bytes) bytes", at: span)
                return nil
            }
            return (expanded.text, expanded.isChanged)
        } catch {
            problems.add("\(name): \(error.message)", at: blamed(error.range, of: scalar, span))
            return nil
        }
    }

    /// The part of a plain scalar on one line, where columns of text and file agree; otherwise all of it.
    private func blamed(_ range: Range<Int>, of scalar: YAMLScalar, _ span: SourceSpan) -> SourceSpan {
        let length = scalar.text.unicodeScalars.count
        guard scalar.style == .plain, span.start.line == span.end.line,
            span.end.column - span.start.column == length, range.upperBound <= length
        else { return span }
        let line = span.start.line
        return SourceSpan(
            SourcePosition(line: line, column: span.start.column + range.lowerBound),
            SourcePosition(line: line, column: span.start.column + range.upperBound))
    }

    /// The value, once it is within the declaration's bounds.
    mutating func checked(
        _ value: OptionValue, _ span: SourceSpan, written: String?, as declaration: OptionDeclaration, name: String
    ) -> OptionValue? {
        guard let bounds = try? OptionBounds(declaration), let violation = bounds.violation(by: value) else {
            return value
        }
        let found = declaration.isSecret ? nil : (violation.found ?? written.map(quoted))
        problems.add("\(name) \(violation.rule)\(found.map { ", found \($0)" } ?? "")", at: span)
        return nil
    }
}

extension YAMLNode {
    /// The places of all scalars and keys below, for masking.
    var allSpans: [SourceSpan] {
        switch content {
        case .scalar: [span]
        case .sequence(let items): items.flatMap(\.allSpans)
        case .mapping(let entries): entries.flatMap { [$0.keySpan] + $0.value.allSpans }
        }
    }

    /// The places of all scalars below but keys, for masking.
    var scalarSpans: [SourceSpan] {
        switch content {
        case .scalar: [span]
        case .sequence(let items): items.flatMap(\.scalarSpans)
        case .mapping(let entries): entries.flatMap(\.value.scalarSpans)
        }
    }
}
