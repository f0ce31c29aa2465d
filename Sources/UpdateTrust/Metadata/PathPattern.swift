/// A pattern of target paths: `*` stands for any characters and `?` for one, neither for a slash (TUF section 4.5).
public struct PathPattern: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    public init(_ text: String) { description = text }

    /// In time that grows with the product of both lengths, whatever the pattern.
    public func matches(_ path: String) -> Bool {
        let (pattern, path) = (Array(description.unicodeScalars), Array(path.unicodeScalars))
        var (inPattern, inPath) = (0, 0)
        // Where to go on when what follows the last star does not fit: one character further.
        var retry: (pattern: Int, path: Int)?
        while inPath < path.count {
            if inPattern < pattern.count, pattern[inPattern] == "*" {
                inPattern += 1
                retry = (inPattern, inPath)
            } else if inPattern < pattern.count,
                pattern[inPattern] == "?" ? path[inPath] != "/" : pattern[inPattern] == path[inPath]
            {
                inPattern += 1
                inPath += 1
            } else if let last = retry, path[last.path] != "/" {
                retry = (last.pattern, last.path + 1)
                (inPattern, inPath) = (last.pattern, last.path + 1)
            } else {
                return false
            }
        }
        return pattern[inPattern...].allSatisfy { $0 == "*" }
    }
}
