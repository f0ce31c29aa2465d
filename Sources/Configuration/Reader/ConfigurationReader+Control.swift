internal import PluginManifest

extension ConfigurationReader {
    /// Where the host that runs by this file answers: `host.control`, or its default, whatever else is wrong with the
    /// file by now. Those who ask a running host what it does must reach it all the same.
    ///
    /// nil: the file cannot be read, it is no YAML up to the end of the section `host`, or `host.control` itself is
    /// wrong; `read` says how.
    public static func controlPath(path: String, environment: [String: String]) -> String? {
        guard let file = try? FileAccess.read(path, limit: YAMLLimits.bytes) else { return nil }
        return controlPath(text: file.bytes, path: path, environment: environment)
    }

    static func controlPath(text: [UInt8], path: String, environment: [String: String]) -> String? {
        // Where the text is no YAML, the sections before the mistake still are: try without the last, then the last two.
        for length in [text.count] + sectionStarts(text).suffix(8).reversed() {
            let source = SourceText(path: path, bytes: Array(text.prefix(length)))
            var problems = Problems(in: source)
            guard let root = YAMLComposer.compose(source, problems: &problems) else { continue }
            // In a part of the file, a missing section may be the one that is broken.
            guard length == text.count || root.entry("host") != nil else { return nil }
            return controlPath(of: root, in: source, environment: environment)
        }
        return nil
    }

    private static func controlPath(
        of root: YAMLNode, in source: SourceText, environment: [String: String]
    ) -> String? {
        guard let key = HostKeys.all.first(where: { $0.declaration.name == "control" }) else { return nil }
        let folder = FilePath.folder(of: source.path)
        guard let entry = root.entry("host")?.value.entry("control") else {
            return (try? DefaultValue.of(key.declaration, folder: folder)).map { SettingValue(value: $0).text }
        }
        var reader = OptionReader("host", in: source, folder: folder, environment: environment)
        return reader.value(of: entry, as: key.declaration, name: "host.control").map { SettingValue(value: $0).text }
    }

    /// Where the lines begin that start with a letter: the keys of the top level.
    private static func sectionStarts(_ text: [UInt8]) -> [Int] {
        text.indices.filter { index in
            let isAtLineStart = index == 0 || text[index - 1] == UInt8(ascii: "\n")
            return isAtLineStart && (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(text[index] | 0x20)
        }
    }
}

extension YAMLNode {
    /// The entry of a mapping; nil where there is none, or it is no mapping.
    func entry(_ key: some StringProtocol) -> YAMLEntry? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.first { $0.key.utf8.elementsEqual(key.utf8) }
    }
}
