internal import MusterABI

/// Reads members of one structure of a manifest, and names them in problems.
struct FieldReader {
    /// Where the structure is: `options[3]`, or empty for the manifest itself.
    var path: String

    func problem(_ member: String, _ rule: String) -> PluginProblem {
        let name = [path, member].filter { !$0.isEmpty }.joined(separator: ".")
        return PluginProblem("the manifest's \(name) \(rule)")
    }

    /// Text that may be empty.
    func text(_ string: muster_string, _ member: String, limit: Int) throws(PluginProblem) -> String {
        let length = UInt(bitPattern: string.length)
        guard length == 0 || string.data != nil else {
            throw problem(member, "has the length \(length) and no data: set both, or leave both zero")
        }
        guard length <= limit else {
            throw problem(member, "is \(length) bytes long; \(limit) are allowed")
        }
        guard let text = string.text(limit: limit) else { throw problem(member, "is not UTF-8") }
        return text
    }

    func required(_ string: muster_string, _ member: String, limit: Int) throws(PluginProblem) -> String {
        let text = try line(string, member, limit: limit)
        guard !text.isEmpty else { throw problem(member, "is empty: it is required") }
        return text
    }

    /// Text without control characters: it ends up in tables, logs and manuals.
    func line(
        _ string: muster_string, _ member: String, limit: Int = ManifestLimits.line
    ) throws(PluginProblem) -> String {
        let text = try text(string, member, limit: limit)
        guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F }) else {
            throw problem(member, "has a line break or another control character: write one line")
        }
        return text
    }

    /// A word of a certain form.
    func word(
        _ string: muster_string, _ member: String, as form: String, _ matches: (String) -> Bool
    ) throws(PluginProblem) -> String {
        let word = try required(string, member, limit: ManifestLimits.word)
        guard matches(word) else { throw problem(member, "is '\(word)': write \(form)") }
        return word
    }
}

/// The elements of an array by value.
func elements<Element>(
    _ start: UnsafePointer<Element>?, _ count: Int, _ path: String, limit: Int
) throws(PluginProblem) -> UnsafeBufferPointer<Element> {
    guard count >= 0, count <= limit else {
        throw PluginProblem("the manifest's \(path) has \(UInt(bitPattern: count)) elements; \(limit) are allowed")
    }
    guard count > 0 else { return UnsafeBufferPointer(start: nil, count: 0) }
    guard let start else {
        throw PluginProblem("the manifest's \(path) is NULL, and its count is \(count): set both, or leave both zero")
    }
    return UnsafeBufferPointer(start: start, count: count)
}

/// The structures that an array of pointers names, each at least as large as in 1.0.
func structures<Element: TableHeader>(
    _ start: UnsafePointer<UnsafePointer<Element>?>?, _ count: Int, _ path: String, limit: Int, size: Int
) throws(PluginProblem) -> [Element] {
    var structures: [Element] = []
    for (index, pointer) in try elements(start, count, path, limit: limit).enumerated() {
        guard let pointer else { throw PluginProblem("the manifest's \(path)[\(index)] is NULL") }
        guard let structure = pointer.read(atLeast: size) else {
            throw PluginProblem(
                """
                the manifest's \(path)[\(index)].struct_size is \(pointer.declaredSize), less than the \(size) bytes of \
                ABI 1.0: begin it with MUSTER_INIT(\(Element.self))
                """)
        }
        structures.append(structure)
    }
    return structures
}
