internal import Glibc

/// A lock that one process has at a time (flock(2)): it goes with the process, however that ends.
///
/// The lock's file stays; it holds the number of the process that took it last, for the message of another.
package final class FileLock: Sendable {
    private let file: FileDescriptor

    /// Who has it.
    package struct Held: Error, Hashable, Sendable, CustomStringConvertible {
        package var path: String
        /// nil where the holder has not written it yet.
        package var process: Int32?

        package var description: String {
            "\(path) is locked by \(process.map { "process \($0)" } ?? "another process"): wait until it is done"
        }
    }

    /// Takes it now, or throws `Held`, or `FileFailure`. Blocks for no longer than a file is opened.
    package static func take(_ path: String) throws -> FileLock {
        while true {
            let lock = FileLock(
                file: try DurableFiles.open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o644, doing: "lock"))
            // Who had it before may have removed the file just then: a lock of what has no name keeps nobody out.
            if try lock.close(path) { return lock }
        }
    }

    /// Takes the lock; false: the file is not the one at `path` any more.
    private func close(_ path: String) throws -> Bool {
        while flock(file.number, LOCK_EX | LOCK_NB) != 0 {
            switch errno {
            case EINTR: continue
            case EWOULDBLOCK: throw Held(path: path, process: Self.process(in: file))
            default: throw FileFailure(errno, doing: "lock \(path)")
            }
        }
        var (own, named) = (stat(), stat())
        guard fstat(file.number, &own) == 0, stat(path, &named) == 0, own.st_ino == named.st_ino,
            own.st_dev == named.st_dev
        else { return false }
        let text = Array("\(getpid())\n".utf8)
        // Only a message hangs on it: a full disk must not keep anybody from the lock.
        if ftruncate(file.number, 0) == 0 { _ = pwrite(file.number, text, text.count, 0) }
        return true
    }

    /// Takes it as soon as it is free. Blocks the thread; throws `Held` when `seconds` are over.
    package static func take(_ path: String, within seconds: Int) throws -> FileLock {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            if let lock = try takeIfFree(path, until: end) { return lock }
            usleep(100_000)
        }
    }

    /// The same for a task, which gives up its thread meanwhile, and waits no longer than it is wanted: throws
    /// `CancellationError` too.
    package static func take(_ path: String, waiting seconds: Int) async throws -> FileLock {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            if let lock = try takeIfFree(path, until: end) { return lock }
            try await Task.sleep(for: .milliseconds(100))
        }
    }

    /// nil: it is to be asked for again, since flock(2) has no time limit.
    private static func takeIfFree(_ path: String, until end: ContinuousClock.Instant) throws -> FileLock? {
        do {
            return try take(path)
        } catch let held as Held {
            guard ContinuousClock.now < end else { throw held }
            return nil
        }
    }

    private init(file: consuming FileDescriptor) { self.file = file }

    /// Lets others have it; it is let go with the last reference otherwise.
    package func release() { _ = flock(file.number, LOCK_UN) }

    private static func process(in file: borrowing FileDescriptor) -> Int32? {
        var text = [UInt8](repeating: 0, count: 16)
        let count = pread(file.number, &text, text.count, 0)
        guard count > 0 else { return nil }
        return Int32(String(decoding: text.prefix(count).prefix { $0 != 10 }, as: UTF8.self))
    }
}
