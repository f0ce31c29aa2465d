/// The file that a request's target names, or why it names none.
///
/// Every file has one path here, so that a cache has one entry for it: the target without its query,
/// percent-decoded, beginning with a slash.
enum TargetPath: Equatable {
    case file(FilePath)
    /// Not a valid path, or one that tries to look like another: 400.
    case malformed
    /// A valid path to what is never served (folders, names that begin with a dot, too deep or too long): 404.
    case notServed

    /// A path below the root, with none of its names empty, `.`, `..`, hidden or holding a slash or NUL.
    struct FilePath: Equatable {
        /// Folders and the file's own name.
        let names: [String]

        var text: String { "/" + names.joined(separator: "/") }
        var bytes: [UInt8] { Array(text.utf8) }
    }

    static let maximumLength = 4096
    static let maximumDepth = 64
    /// NAME_MAX of Linux.
    static let maximumNameLength = 255

    /// - Parameter encoded: the target up to its query.
    init(_ encoded: [UInt8]) {
        // Decoding only shortens: a target three times too long is too long.
        guard encoded.count <= Self.maximumLength * 3 else {
            self = .notServed
            return
        }
        guard encoded.first == UInt8(ascii: "/"), let text = Self.decoded(encoded) else {
            self = .malformed
            return
        }
        let names = text.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
            .map { String(Substring($0)) }
        guard text.utf8.count <= Self.maximumLength, names.count <= Self.maximumDepth,
            names.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && $0.utf8.count <= Self.maximumNameLength })
        else {
            self = .notServed
            return
        }
        self = .file(FilePath(names: names))
    }

    /// Percent-decoded once (RFC 3986 §2.1), and UTF-8; nil where it is not, and for what no served name holds: controls,
    /// a backslash, and a slash that only decoding brings out.
    private static func decoded(_ encoded: [UInt8]) -> String? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(encoded.count)
        var index = 0
        while index < encoded.count {
            var byte = encoded[index]
            index += 1
            if byte == UInt8(ascii: "%") {
                guard index + 1 < encoded.count, let high = hexDigit(encoded[index]),
                    let low = hexDigit(encoded[index + 1])
                else { return nil }
                byte = high << 4 | low
                index += 2
                guard byte != UInt8(ascii: "/") else { return nil }
            }
            guard byte >= 0x20, byte != 0x7F, byte != UInt8(ascii: "\\") else { return nil }
            bytes.append(byte)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }
}
