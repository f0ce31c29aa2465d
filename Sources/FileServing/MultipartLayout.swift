/// How several ranges of one file are sent in one body: `multipart/byteranges` (RFC 9110 §14.6).
struct MultipartLayout: Sendable {
    /// A range and the lines before it.
    struct Part: Sendable {
        let head: [UInt8]
        let range: Range<UInt64>
    }

    let contentType: String
    let parts: [Part]
    /// The lines after the last range.
    let end: [UInt8]
    /// Bytes of the whole body.
    let length: UInt64

    /// - Parameter boundary: must not occur in the file; 128 random bits will not.
    init(_ ranges: [Range<UInt64>], of size: UInt64, mediaType: String, boundary: String = Self.randomBoundary()) {
        contentType = "multipart/byteranges; boundary=\(boundary)"
        parts = ranges.enumerated().map { index, range in
            let head =
                "\(index == 0 ? "" : "\r\n")--\(boundary)\r\nContent-Type: \(mediaType)\r\n"
                + "Content-Range: \(Self.contentRange(range, of: size))\r\n\r\n"
            return Part(head: Array(head.utf8), range: range)
        }
        end = Array("\r\n--\(boundary)--\r\n".utf8)
        // ByteRanges saw to it that the sum can be held.
        length = parts.reduce(UInt64(end.count)) {
            $0 &+ UInt64($1.head.count) &+ ($1.range.upperBound - $1.range.lowerBound)
        }
    }

    /// `bytes 0-99/1000`, of a range that is not empty.
    static func contentRange(_ range: Range<UInt64>, of size: UInt64) -> String {
        "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(size)"
    }

    private static func randomBoundary() -> String {
        var generator = SystemRandomNumberGenerator()
        return "part-" + String(generator.next(), radix: 36) + String(generator.next(), radix: 36)
    }
}
