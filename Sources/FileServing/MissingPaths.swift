import Locks

/// Where there was no file within the last second, so that it is not looked for once for each who asks: every client of a
/// repository asks for the root that is not there yet.
///
/// Whatever is read anew makes all of it void, for it may name files that have come before it: who has read a timestamp
/// finds its snapshot, however recently that was missing. Any thread.
final class MissingPaths: Sendable {
    /// What was known when a look began; a file that came meanwhile makes it worthless.
    struct Epoch: Equatable, Sendable {
        fileprivate var number: UInt64 = 0
    }

    private struct State: Sendable {
        var epoch = Epoch()
        /// The clock's steady nanoseconds.
        var seen: [[UInt8]: UInt64] = [:]
    }

    /// Paths that are remembered; then it begins anew, so that nobody can fill the memory with names.
    static let capacity = 256
    /// Bytes of a path that is.
    static let longestPath = 256
    /// Nanoseconds.
    private static let lifetime: UInt64 = 1_000_000_000

    private let state = Locked(State())

    var epoch: Epoch { state.withLock { $0.epoch } }

    func contains(_ path: [UInt8], at now: UInt64) -> Bool {
        state.withLock { state in
            guard let seen = state.seen[path] else { return false }
            if now < seen || now - seen < Self.lifetime { return true }
            state.seen[path] = nil
            return false
        }
    }

    /// - Parameter epoch: taken before the file was looked for.
    func add(_ path: [UInt8], at now: UInt64, since epoch: Epoch) {
        guard path.count <= Self.longestPath else { return }
        state.withLock { state in
            guard state.epoch == epoch else { return }
            if state.seen.count >= Self.capacity { state.seen.removeAll(keepingCapacity: true) }
            state.seen[path] = now
        }
    }

    func forget() {
        state.withLock { state in
            state.epoch.number &+= 1
            state.seen.removeAll(keepingCapacity: true)
        }
    }
}
