/// Paths of targets as paths of files below a folder.
public enum TargetPath {
    /// Why a path must not be joined to a folder; nil: it may be. What a file system would take for another place, or not
    /// take at all: an absolute path, an empty part, `.` and `..`, a control character, a backslash, and parts that are too
    /// long.
    public static func trouble(_ path: String) -> String? {
        guard !path.isEmpty else { return "a target's path is empty" }
        guard path.utf8.count <= 2048 else { return "a target's path is longer than 2048 bytes" }
        guard !path.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) else {
            return "the target path '\(printable(path))' holds a control character or a backslash"
        }
        for part in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            if part.isEmpty || part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8) {
                return "the target path '\(printable(path))' would lead out of its folder, or names none of its files"
            }
            // Room for a digest before it.
            if part.count > 120 { return "a part of the target path '\(printable(path))' is longer than 120 bytes" }
        }
        return nil
    }

    private static func printable(_ text: String) -> String {
        String(text.prefix(200).map { $0.isASCII && ($0.asciiValue ?? 0) < 0x20 ? "?" : $0 })
    }
}
