import Glibc
import Locks
import UpdateTrust

/// What the repository on disk says, read again when its timestamp is another. Blocks.
final class ServedRepository: Sendable {
    private struct Stamp: Equatable {
        var inode: UInt64
        var seconds: Int
        var nanoseconds: Int
    }

    private let path: String
    private let known = Locked<(stamp: Stamp, repository: PublishedRepository)?>(nil)

    init(_ path: String) { self.path = path }

    /// Throws `UpdateError`: `missing` where there is none yet.
    func read() throws(UpdateError) -> PublishedRepository {
        var state = stat()
        let isThere = stat("\(path)/metadata/timestamp.json", &state) == 0
        let stamp = Stamp(
            inode: UInt64(state.st_ino), seconds: Int(state.st_mtim.tv_sec), nanoseconds: Int(state.st_mtim.tv_nsec))
        if isThere, let known = known.withLock({ $0 }), known.stamp == stamp { return known.repository }
        let repository = try PublishedRepository(reading: path)
        known.withLock { $0 = (stamp, repository) }
        return repository
    }
}
