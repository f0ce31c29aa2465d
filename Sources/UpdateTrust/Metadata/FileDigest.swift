internal import Files
internal import Glibc
internal import OpenSSL

/// Digests of files, read piece by piece.
enum FileDigest {
    /// SHA-256 in hexadecimal, and bytes. Blocks.
    static func of(_ path: String) throws -> (sha256: String, length: UInt64) {
        try of(try DurableFiles.open(path, O_RDONLY | O_NOFOLLOW, doing: "read"), called: path)
    }

    static func of(_ file: borrowing FileDescriptor, called path: String) throws -> (sha256: String, length: UInt64) {
        let digest = try Digest(.sha256)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        var length: UInt64 = 0
        do {
            while case let count = try file.read(buffer), count > 0 {
                try digest.add(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                length += UInt64(count)
            }
        } catch let failure as SystemFailure {
            throw FileFailure(failure.code, doing: "read \(path)")
        }
        return (Hexadecimal.lower(try digest.end()), length)
    }
}
