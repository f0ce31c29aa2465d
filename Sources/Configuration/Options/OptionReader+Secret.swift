internal import PluginManifest

extension OptionReader {
    /// `{file: path}`.
    mutating func secret(_ entry: YAMLEntry, as declaration: OptionDeclaration, name: String) -> OptionValue? {
        guard let file = entry.value.secretFile, case .scalar(let scalar) = file.content else {
            problems.add(
                "\(name): a secret is text or {file: path}, found a mapping of another kind", at: entry.blamedSpan)
            return nil
        }
        guard let (path, _) = expand(scalar, file.span, name: name) else { return nil }
        let whole = FilePath.absolute(path, in: folder)
        do throws(FileProblem) {
            return literal(try SecretFile.read(whole), file.span, as: declaration, name: name)
        } catch {
            problems.add("\(name): the secret's file \(quoted(whole)) \(error.reason)", at: file.span)
            return nil
        }
    }

    /// A secret's text as it stands in its file: no variables.
    private mutating func literal(
        _ text: String, _ span: SourceSpan, as declaration: OptionDeclaration, name: String
    ) -> OptionValue? {
        do throws(ScalarProblem) {
            var value = try ScalarText.value(text, as: declaration.type, choices: declaration.choices)
            if case .path(let path) = value { value = .path(FilePath.absolute(path, in: folder)) }
            return checked(value, span, written: nil, as: declaration, name: name)
        } catch {
            problems.add("\(name): the secret in this file is not \(declaration.expectation)", at: span)
            return nil
        }
    }
}

extension YAMLNode {
    /// The path of `{file: path}`, which is no secret itself.
    var secretFile: YAMLNode? {
        guard case .mapping(let entries) = content, entries.count == 1, let entry = entries.first, entry.key == "file",
            case .scalar = entry.value.content, !entry.value.isNull
        else { return nil }
        return entry.value
    }
}
