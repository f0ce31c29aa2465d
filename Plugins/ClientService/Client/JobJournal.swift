package import Fleet
import FoundationEssentials
import Glibc
import Locks

/// What a client knows of its jobs, on disk: one file for each, written whole and synced before anything depends on it.
///
///     jobs/<id>.json      from the moment it is accepted until its result is committed at the server, and a while longer
///
/// A job whose file is there is never carried out anew once it has an outcome: an offer that is repeated gets the outcome
/// again.
package final class JobJournal: Sendable {
    package struct Entry: Codable, Hashable, Sendable {
        package var offer: Offer
        /// How often it was begun.
        package var starts = 0
        /// How it ended; nil: not yet.
        package var outcome: Outcome?
        /// The server has the outcome.
        package var isSettled = false

        package init(offer: Offer) { self.offer = offer }
    }

    /// Jobs that are not settled.
    package static let openLimit = 64
    /// Jobs that are kept after they are settled, the newest.
    package static let settledLimit = 256
    /// Bytes of one file: an outcome crosses the bus, which takes 256 KiB.
    private static let fileLimit = 1 << 20

    private struct State {
        var entries: [JobID: Entry] = [:]
        var isClosed = false
    }

    private let folder: String
    private let state = Locked(State())
    /// Held from the look at an entry until it is on disk, so that no two changes of one undo each other, and none comes
    /// behind the hand-over.
    private let writing = Locked(())

    /// Reads what there is. A file that cannot be read is put aside and named in `damaged`.
    /// - Parameter folder: made where it is not there (mode 0700).
    package init(folder: String) throws(FleetIdentityError) {
        self.folder = folder
        try DurableFile(path: folder).makeFolder(mode: 0o700)
    }

    /// Opens it too, where the generation that it was closed for did not come to be. Blocks. The names of files that were
    /// put aside.
    package func load() -> [String] {
        var damaged: [String] = []
        var found: [JobID: Entry] = [:]
        for name in FolderNames.list(folder) {
            let path = "\(folder)/\(name)"
            // Of a write that a kill cut short.
            if name.hasSuffix(".new") { unlink(path) }
            guard name.hasSuffix(".json") else { continue }
            guard let id = JobID(name.dropLast(5)),
                let bytes = try? DurableFile(path: path).read(limit: Self.fileLimit),
                let entry = try? FleetJSON.decode(Entry.self, from: bytes), entry.offer.job == id
            else {
                rename(path, path + ".damaged")
                damaged.append(name)
                continue
            }
            found[id] = entry
        }
        let entries = found
        state.withLock { $0 = State(entries: entries) }
        return damaged
    }

    package func entry(_ id: JobID) -> Entry? { state.withLock { $0.entries[id] } }

    /// In the order of their ids: those that were ordered first come first.
    package var open: [Entry] {
        state.withLock { $0.entries.values.filter { !$0.isSettled } }.sorted { $0.offer.job < $1.offer.job }
    }

    package var hasRoom: Bool { open.count < Self.openLimit }

    /// What an offer comes to.
    package enum Acceptance: Sendable, Equatable {
        /// It is on disk now, and is to be carried out.
        case new
        /// It is being carried out.
        case known
        /// It was carried out: the outcome is to be sent again.
        case done
    }

    /// Blocks. Throws where it cannot be written: then nothing was accepted.
    package func accept(_ offer: Offer) throws -> Acceptance {
        try writing.withLock { _ in
            guard var entry = entry(offer.job) else {
                try write(Entry(offer: offer))
                return .new
            }
            let isDone = entry.outcome != nil
            entry.offer.attempt = max(entry.offer.attempt, offer.attempt)
            if isDone { entry.isSettled = false }
            try write(entry)
            return isDone ? .done : .known
        }
    }

    /// Notes that the work begins, before it does. Blocks.
    /// - Returns: how often it has begun.
    package func start(_ id: JobID) throws -> Int {
        try change(id) { $0.starts += 1 }?.starts ?? 0
    }

    /// Keeps the outcome: the first one stays. Blocks.
    package func finish(_ id: JobID, _ outcome: Outcome) throws -> Outcome {
        try change(id) { if $0.outcome == nil { $0.outcome = outcome } }?.outcome ?? outcome
    }

    /// The server has committed the outcome, or knows of no such job. Blocks.
    package func settle(_ id: JobID) throws {
        _ = try change(id) { entry in
            entry.isSettled = true
            // What was reported is not needed any more, only that it was.
            entry.outcome?.result = nil
        }
        forgetOldest()
    }

    /// The next generation has it: nothing is written any more. Waits for what is being written.
    package func close() { writing.withLock { _ in state.withLock { $0.isClosed = true } } }

    package struct Closed: Error {}

    private func change(_ id: JobID, _ body: (inout Entry) -> Void) throws -> Entry? {
        try writing.withLock { _ in
            guard let former = entry(id) else { return nil }
            var entry = former
            body(&entry)
            if entry != former { try write(entry) }
            return entry
        }
    }

    /// With `writing` held.
    private func write(_ entry: Entry) throws {
        let bytes = try FleetJSON.encode(entry)
        guard !state.withLock({ $0.isClosed }) else { throw Closed() }
        try DurableFile(path: path(entry.offer.job)).replace(with: bytes, mode: 0o600)
        state.withLock { $0.entries[entry.offer.job] = entry }
    }

    private func forgetOldest() {
        let old = state.withLock { state -> [JobID] in
            let settled = state.entries.filter { $0.value.isSettled }.keys.sorted()
            let old = Array(settled.dropLast(Self.settledLimit))
            for id in old { state.entries[id] = nil }
            return old
        }
        for id in old { unlink(path(id)) }
    }

    private func path(_ id: JobID) -> String { "\(folder)/\(id).json" }
}
