import FileServing
import UpdateTrust

/// Paths below `/files/`. Pure.
enum PlainPath {
    private static let prefix = Array("/files/".utf8)

    /// The target's path, percent-decoded once; nil where it is none.
    static func decoded(_ path: [UInt8]) -> String? {
        guard path.starts(with: prefix), path.count <= 3 * 2048 + prefix.count else { return nil }
        var bytes: [UInt8] = []
        var index = prefix.count
        while index < path.count {
            var byte = path[index]
            index += 1
            if byte == UInt8(ascii: "%") {
                guard index + 1 < path.count,
                    let value = UInt8(String(decoding: path[index..<index + 2], as: UTF8.self), radix: 16),
                    path[index] != UInt8(ascii: "+")
                else { return nil }
                byte = value
                index += 2
            }
            bytes.append(byte)
        }
        guard let text = String(validating: bytes, as: UTF8.self), TargetPath.trouble(text) == nil else { return nil }
        return text
    }

    /// The file behind a path, for `FolderServer`.
    static func alias(_ path: String, _ entry: FilesIndex.Entry) -> FileAlias {
        // A NUL is in no path, so that no request's own path is such a key.
        FileAlias(
            path: Array("/\(encoded(entry.file))".utf8), key: Array("\(entry.file)\0\(path)".utf8),
            notModifiedBefore: entry.since)
    }

    private static func encoded(_ path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).map { RoleName.encoded(String($0)) }
            .joined(separator: "/")
    }
}
