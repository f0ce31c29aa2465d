/// A secret that is kept in a file of its own: `{file: path}`.
enum SecretFile {
    static let limit = 64 * 1024

    /// The file's text without one final line break.
    static func read(_ path: String) throws(FileProblem) -> String {
        let file = try FileAccess.read(path, limit: limit)
        guard file.permissions & 0o007 == 0 else {
            throw FileProblem(reason: "is open to every user of this machine; run: chmod o= \(path)")
        }
        var bytes = file.bytes[...]
        if bytes.last == UInt8(ascii: "\n") {
            bytes = bytes.dropLast()
            if bytes.last == UInt8(ascii: "\r") { bytes = bytes.dropLast() }
        }
        if bytes.isEmpty { throw FileProblem(reason: "is empty") }
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw FileProblem(reason: "does not hold text in UTF-8")
        }
        return text
    }
}
