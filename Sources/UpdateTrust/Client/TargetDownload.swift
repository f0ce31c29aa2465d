internal import Files
internal import Glibc
internal import OpenSSL

/// Fetches one target file: resumed where some of it is there, stopped at its signed length, verified, then put in place.
///
/// What is not finished is a file `<digest>.part` of a folder of its own, so that whoever lists finished downloads never sees
/// it. The folder and the destination must be of one file system.
public struct TargetDownload: Sendable {
    public let target: TargetFile
    /// Without a slash at its end.
    public let baseURL: String
    public let consistentSnapshot: Bool
    /// Where unfinished downloads are.
    public let partialFolder: String
    /// Seconds that another process is waited for that fetches the same.
    public let patience: Int

    public init(
        _ target: TargetFile, baseURL: String, consistentSnapshot: Bool, partialFolder: String, patience: Int = 10
    ) {
        self.target = target
        self.baseURL = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        self.consistentSnapshot = consistentSnapshot
        self.partialFolder = partialFolder
        self.patience = patience
    }

    /// What is done by threads that may block: digests of large files take seconds.
    public typealias Blocking = @Sendable (@escaping @Sendable () throws -> Void) async throws -> Void

    /// Runs it where it is called.
    public static let inline: Blocking = { try $0() }

    /// Fetches into `destination`, which is replaced as a whole.
    ///
    /// A digest that is wrong after a resumed download may be that of an older file: the rest is thrown away, and the whole
    /// is fetched once more.
    /// - Throws: `UpdateError`: `unsafePath`, `noTarget` where no digest can be checked, `mismatch` for other content, `tooLarge`,
    ///   `transport`, `storage`.
    public func run(
        to destination: String, _ transport: any UpdateTransport, blocking: @escaping Blocking = inline,
        progress: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) async throws(UpdateError) {
        if let trouble = TargetPath.trouble(target.path) { throw UpdateError(.unsafePath, trouble) }
        guard let prefix = target.hashes.prefix else {
            throw UpdateError(
                .noTarget,
                "'\(target.path)' has no digest that can be checked here, only: "
                    + target.hashes.unknown.joined(separator: ", "))
        }
        do {
            try DurableFiles.makeFolders(partialFolder)
            // Two that fetch the same file would write over one another.
            let lockFile = "\(partialFolder)/\(prefix).lock"
            let lock = try await FileLock.take(lockFile, waiting: patience)
            defer {
                unlink(lockFile)
                lock.release()
            }
            let partial = "\(partialFolder)/\(prefix).part"
            let wasResumed = try await fetch(to: partial, prefix, transport, progress)
            do {
                try await blocking { try check(partial) }
            } catch let error as UpdateError where error.cause == .mismatch {
                unlink(partial)
                guard wasResumed else { throw error }
                _ = try await fetch(to: partial, prefix, transport, progress)
                do {
                    try await blocking { try check(partial) }
                } catch {
                    unlink(partial)
                    throw error
                }
            }
            try DurableFiles.rename(partial, to: destination)
        } catch let error as UpdateError {
            throw error
        } catch {
            throw UpdateError(storage: error)
        }
    }

    /// Whether a file is this target: its length and all its known digests. Blocks.
    public func matches(_ path: String) -> Bool { (try? check(path)) != nil }

    /// Throws `mismatch` where a file is not this target, `storage` where it cannot be read. Blocks.
    public func verify(_ path: String) throws(UpdateError) {
        do {
            try check(path)
        } catch {
            throw error as? UpdateError ?? UpdateError(storage: error)
        }
    }

    /// `dir/name` as `dir/<digest>.name` under consistent snapshots (TUF section 5.7.3), each part percent-encoded.
    func url(_ prefix: String) -> String {
        var parts = target.path.split(separator: "/", omittingEmptySubsequences: false).map {
            RoleName.encoded(String($0))
        }
        if consistentSnapshot, let last = parts.popLast() { parts.append("\(prefix).\(last)") }
        return "\(baseURL)/" + parts.joined(separator: "/")
    }

    /// Whether some of it was there.
    private func fetch(
        to partial: String, _ prefix: String, _ transport: any UpdateTransport,
        _ progress: @escaping @Sendable (UInt64) -> Void
    ) async throws -> Bool {
        let file = try DurableFiles.open(partial, O_WRONLY | O_CREAT | O_NOFOLLOW, 0o644, doing: "write")
        var state = stat()
        guard fstat(file.number, &state) == 0 else { throw FileFailure(errno, doing: "look at \(partial)") }
        var offset = UInt64(clamping: state.st_size)
        if offset > target.length {
            guard ftruncate(file.number, 0) == 0 else { throw FileFailure(errno, doing: "empty \(partial)") }
            offset = 0
        }
        let wasResumed = offset > 0
        if offset < target.length || target.length == 0 {
            try await download(to: file.number, from: offset, prefix, transport, progress)
        }
        guard fsync(file.number) == 0 else { throw FileFailure(errno, doing: "write \(partial)") }
        return wasResumed
    }

    private func download(
        to file: CInt, from offset: UInt64, _ prefix: String, _ transport: any UpdateTransport,
        _ progress: @escaping @Sendable (UInt64) -> Void
    ) async throws(UpdateError) {
        // A limit of nothing would be none.
        let limit = max(1, target.length - offset)
        lseek(file, off_t(clamping: offset), SEEK_SET)
        do throws(TransportFailure) {
            do throws(TransportFailure) {
                return try await transport.download(
                    url(prefix), to: file, from: offset, upTo: limit, progress: progress)
            } catch {
                // The server's file is another, or cannot be had in parts: from its beginning, then.
                guard error.cause == .notResumed, offset > 0, ftruncate(file, 0) == 0, lseek(file, 0, SEEK_SET) == 0
                else {
                    throw error
                }
            }
            try await transport.download(
                url(prefix), to: file, from: 0, upTo: max(1, target.length), progress: progress)
        } catch {
            switch error.cause {
            case .tooLarge:
                throw UpdateError(
                    .tooLarge, "'\(target.path)' is larger than its signed \(target.length) bytes", transport: error)
            case .notFound: throw UpdateError(.missing, "'\(target.path)': \(error.message)", transport: error)
            case .storage: throw UpdateError(.storage, error.message, systemError: error.systemError, transport: error)
            default: throw UpdateError(.transport, "'\(target.path)': \(error.message)", transport: error)
            }
        }
    }

    private func check(_ path: String) throws {
        let file = try DurableFiles.open(path, O_RDONLY | O_NOFOLLOW, doing: "read")
        let digests = try target.hashes.known.map { HeldDigest(try Digest($0.kind)) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { buffer.deallocate() }
        var total: UInt64 = 0
        while case let count = try file.read(buffer), count > 0 {
            total += UInt64(count)
            for one in digests { try one.digest.add(UnsafeRawBufferPointer(rebasing: buffer[..<count])) }
        }
        guard total == target.length else {
            throw UpdateError(
                .mismatch, "'\(target.path)' has \(total) bytes, and \(target.length) are signed")
        }
        for (one, known) in zip(digests, target.hashes.known)
        where Hexadecimal.lower(try one.digest.end()) != known.digest {
            throw UpdateError(
                .mismatch, "'\(target.path)' is not what was signed: its \(known.kind.rawValue) is another")
        }
    }
}

/// A digest as a reference, for it goes into an array.
private final class HeldDigest {
    let digest: Digest
    init(_ digest: consuming Digest) { self.digest = digest }
}
