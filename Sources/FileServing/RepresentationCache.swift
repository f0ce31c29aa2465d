import Locks
import PluginKit
import Synchronization

/// The files that were asked for lately, and those who wait for one that is being looked at.
///
/// In parts with a lock each, so that loops seldom wait for one another; no lock is held for longer than a look into a
/// table takes.
final class RepresentationCache: Sendable {
    /// Someone who waits for a file.
    struct Waiter: Sendable {
        let exchange: Exchange
        let method: Method
        let conditions: Conditions?
        /// Whom the meter counts it for.
        let client: UInt64
    }

    /// What was found at once.
    enum Lookup {
        case fresh(Representation)
        /// Someone looks at the file already, or the caller is to: the waiter is answered then.
        case waits(mustLook: Bool)
    }

    private struct State: Sendable {
        var table: LeastRecentlyUsed<Representation>
        var waiting: [[UInt8]: [Waiter]] = [:]
    }

    private final class Part: Sendable {
        let state: Locked<State>

        init(_ limit: LeastRecentlyUsed<Representation>.Cost) {
            state = Locked(State(table: LeastRecentlyUsed(limit: limit)))
        }
    }

    /// A power of two; the least limits of the options leave room for one file of each kind in every part.
    static let partCount = 8
    private let parts: [Part]
    /// Looks that began in a former epoch do not count any more.
    private let currentEpoch = Atomic<UInt64>(0)

    var epoch: UInt64 { currentEpoch.load(ordering: .acquiring) }

    init(openFiles: Int, memory: Int) {
        parts = (0..<Self.partCount).map { _ in
            Part(.init(files: openFiles / Self.partCount, bytes: memory / Self.partCount))
        }
    }

    /// The file that `path`, which needs no decoding, names, if it was looked at within the last second.
    func find(_ path: borrowing BorrowedText, at now: UInt64) -> Representation? {
        var hasher = Hasher()
        path.hash(into: &hasher)
        guard let found = find(hasher.finalize()), path.equals(found.path), found.isFresh(at: now, in: epoch) else {
            return nil
        }
        return found
    }

    /// The same for a decoded path; where there is none, `waiter` waits.
    func find(_ path: [UInt8], at now: UInt64, else waiter: @autoclosure () -> Waiter) -> Lookup {
        let hash = Self.hash(path)
        let waiter = waiter()
        return part(hash).state.withLock { state in
            if let found = state.table.find(hash), found.path == path, found.isFresh(at: now, in: epoch) {
                return .fresh(found)
            }
            let mustLook = state.waiting[path] == nil
            state.waiting[path, default: []].append(waiter)
            return .waits(mustLook: mustLook)
        }
    }

    /// What is known of a path, however old.
    func known(_ path: [UInt8]) -> Representation? {
        find(Self.hash(path)).flatMap { $0.path == path ? $0 : nil }
    }

    /// Keeps what was found at `path`, or forgets it, and answers those who waited.
    func finish(_ path: [UInt8], with representation: Representation?) -> [Waiter] {
        let hash = Self.hash(path)
        var gone: [Representation] = []
        let waiters = part(hash).state.withLock { state in
            if let representation {
                let (files, bytes) = representation.cost
                gone = state.table.insert(representation, hash, cost: .init(files: files, bytes: bytes))
            } else if let former = state.table.remove(hash) {
                gone = [former]
            }
            return state.waiting.removeValue(forKey: path) ?? []
        }
        // Descriptors are closed here, where no lock is held.
        _ = consume gone
        return waiters
    }

    /// Those who wait for `path`, which will not be looked at.
    func giveUp(_ path: [UInt8]) -> [Waiter] {
        part(Self.hash(path)).state.withLock { $0.waiting.removeValue(forKey: path) ?? [] }
    }

    /// Has every file looked at again before it is used.
    func forgetLooks() { currentEpoch.add(1, ordering: .acquiringAndReleasing) }

    /// Closes the descriptors that were not used for the longest: the process has too many.
    func closeOlderFiles() {
        for part in parts {
            let gone = part.state.withLock { $0.table.removeOlderFiles() }
            _ = consume gone
        }
    }

    private func find(_ hash: Int) -> Representation? { part(hash).state.withLock { $0.table.find(hash) } }

    private func part(_ hash: Int) -> Part { parts[hash & (Self.partCount - 1)] }

    /// The same as `BorrowedText.hash(into:)` gives.
    private static func hash(_ path: [UInt8]) -> Int {
        var hasher = Hasher()
        path.withUnsafeBytes { hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}
