internal import Files
internal import Glibc

/// Fetches from a repository's directory as if it were served: addresses are paths below a folder. For those who verify what
/// they have published, and for tests. Blocks.
public struct DirectoryTransport: UpdateTransport {
    /// What addresses begin with.
    public let folder: String

    public init(folder: String) { self.folder = folder }

    public func fetch(_ url: String, upTo limit: Int) async throws(TransportFailure) -> [UInt8] {
        do throws(FileFailure) {
            return try DurableFiles.read(try path(of: url), upTo: limit)
        } catch {
            switch error.code {
            case ENOENT: throw TransportFailure(.notFound, "\(error)", status: 404)
            case EFBIG: throw TransportFailure(.tooLarge, "\(url) has more than \(limit) bytes")
            default: throw TransportFailure(.unreachable, "\(error)", systemError: error.code)
            }
        }
    }

    public func download(
        _ url: String, to file: Int32, from offset: UInt64, upTo limit: UInt64,
        progress: @escaping @Sendable (UInt64) -> Void
    ) async throws(TransportFailure) {
        do {
            let source = try DurableFiles.open(try path(of: url), O_RDONLY, doing: "read")
            guard lseek(source.number, off_t(clamping: offset), SEEK_SET) >= 0 else {
                throw FileFailure(errno, doing: "read \(url)")
            }
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
            defer { buffer.deallocate() }
            var copied: UInt64 = 0
            while case let count = try source.read(buffer), count > 0 {
                copied += UInt64(count)
                guard copied <= limit else { throw TransportFailure(.tooLarge, "\(url) has more than it should") }
                try DurableFiles.write(Array(buffer[..<count]), to: file, called: url)
                progress(offset + copied)
            }
        } catch let failure as TransportFailure {
            throw failure
        } catch let failure as FileFailure {
            throw TransportFailure(
                failure.isMissingFile ? .notFound : .storage, "\(failure)", systemError: failure.code)
        } catch {
            throw TransportFailure(.other, "\(error)")
        }
    }

    /// Percent-decoded, as a server would.
    private func path(of url: String) throws(FileFailure) -> String {
        guard let decoded = Self.decoded(url) else { throw FileFailure(ENOENT, doing: "read \(url)") }
        return "\(folder)/\(decoded)"
    }

    private static func decoded(_ url: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(url.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
                return nil
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
