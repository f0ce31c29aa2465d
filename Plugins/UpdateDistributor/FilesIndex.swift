import Glibc
import Locks
import PluginKit
import UpdateTrust

/// Which file a plain path of `/files/` names at present: made anew when the repository's timestamp is another, and put in
/// the old one's place at once. Any thread; what blocks goes to the worker pool.
final class FilesIndex: Sendable {
    /// One content.
    struct Entry: Sendable, Equatable {
        /// Its file: `targets/definitions/<digest>.main.hsb`.
        var file: String
        /// Since when the path names it, seconds since 1970: dates that are told never go back.
        var since: Int64
    }

    /// One publication.
    final class Content: Sendable {
        let repository: PublishedRepository
        let entries: [String: Entry]

        init(_ repository: PublishedRepository, _ entries: [String: Entry]) {
            self.repository = repository
            self.entries = entries
        }
    }

    private struct Stamp: Equatable {
        var inode: UInt64
        var seconds: Int
        var nanoseconds: Int
    }

    private struct State {
        var content: Content?
        var stamp: Stamp?
        var entries: [String: Entry] = [:]
        var trouble: String?
        /// Steady nanoseconds.
        var lookedAt: Int64 = .min
        var isLooking = false
        var waiting: [@Sendable () -> Void] = []
    }

    private static let lifetime: Int64 = 1_000_000_000

    private let folder: String
    private let memory: IndexMemory
    private let log: Log
    private let clock: @Sendable () -> Int64
    private let state: Locked<State>

    init(
        _ folder: String, memory: IndexMemory, log: Log, clock: @escaping @Sendable () -> Int64 = Fairness.steady
    ) {
        self.folder = folder
        self.memory = memory
        self.log = log
        self.clock = clock
        state = Locked(State())
    }

    /// What was found last; nil: there is no repository yet.
    var content: Content? { state.withLock { $0.content } }
    /// Why it could not be read; nil: it could.
    var trouble: String? { state.withLock { $0.trouble } }

    /// Calls `body` when what is known is not older than a second: now, or from the worker pool.
    func whenFresh(_ host: Host, _ body: @escaping @Sendable () -> Void) {
        enum Step { case now, wait, look }
        let now = clock()
        let step = state.withLock { state -> Step in
            if state.lookedAt != .min, now - state.lookedAt < Self.lifetime { return .now }
            state.waiting.append(body)
            if state.isLooking { return .wait }
            state.isLooking = true
            return .look
        }
        switch step {
        case .now: body()
        case .wait: break
        case .look:
            do throws(WorkError) {
                try host.work { [self] in
                    look()
                } done: { [self] cancelled in
                    if cancelled { finish() }
                }
            } catch {
                finish()
            }
        }
    }

    /// There is a new publication: the next who asks looks.
    func forget() { state.withLock { $0.lookedAt = .min } }

    /// Blocks.
    func look() {
        let now = clock()
        var status = stat()
        let isThere = stat("\(folder)/metadata/timestamp.json", &status) == 0
        let stamp = Stamp(
            inode: UInt64(status.st_ino), seconds: Int(status.st_mtim.tv_sec),
            nanoseconds: Int(status.st_mtim.tv_nsec))
        let isKnown = state.withLock { isThere && $0.stamp == stamp && $0.content != nil }
        if !isKnown { read(stamp) }
        state.withLock { $0.lookedAt = now }
        finish()
    }

    private func read(_ stamp: Stamp) {
        let former = state.withLock { $0.entries }
        let known = former.isEmpty ? memory.read() : former
        do throws(UpdateError) {
            let repository = try PublishedRepository(reading: folder)
            let entries = Self.entries(repository, behind: known, now: MetadataTime.now().seconds) { path in
                var status = stat()
                return stat("\(self.folder)/\(path)", &status) == 0 ? Int64(status.st_mtim.tv_sec) : 0
            }
            let content = Content(repository, entries)
            state.withLock { state in
                state.content = content
                state.entries = entries
                state.stamp = stamp
                state.trouble = nil
            }
            if entries != known { memory.write(entries) }
        } catch {
            let isNew = state.withLock { state in
                defer { state.trouble = "\(error)" }
                return state.trouble != "\(error)"
            }
            // What was read before stays: its files are there for a time.
            guard isNew else { return }
            if error.cause == .missing {
                log.info("There is no repository yet, or a part of it is missing.", ["reason": "\(error)"])
            } else {
                log.warning("The repository cannot be read.", ["reason": "\(error)"])
            }
        }
    }

    private func finish() {
        let waiting = state.withLock { state in
            state.isLooking = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for body in waiting { body() }
    }

    /// Pure.
    /// - Parameters:
    ///   - known: the entries before.
    ///   - now: seconds since 1970.
    ///   - modified: when a file was made, likewise.
    static func entries(
        _ repository: PublishedRepository, behind known: [String: Entry], now: Int64, modified: (String) -> Int64
    ) -> [String: Entry] {
        var entries: [String: Entry] = [:]
        entries.reserveCapacity(repository.targets.count)
        for (path, target) in repository.targets where TargetPath.trouble(path) == nil {
            guard let file = target.consistentPaths.first.map({ "targets/\($0)" }) else { continue }
            if let former = known[path] {
                // Another content is newer than the last answer with the former one, however long before its publication
                // the file was made: a client may go by when it fetched (If-Modified-Since), and by whole seconds.
                entries[path] =
                    former.file == file ? former : Entry(file: file, since: max(former.since, now) + 1)
            } else {
                entries[path] = Entry(file: file, since: modified(file))
            }
        }
        return entries
    }
}
