import GRDB
import Locks

/// Group commit: what is asked for while a transaction is under way goes together into the next one, each in a savepoint
/// of its own, so that one that fails takes nothing else with it.
final class WriteBatches: Sendable {
    /// What one transaction holds at most, so that nobody waits long.
    private static let limit = 1000

    private struct Entry {
        /// In its savepoint. What it returns is called when the transaction has ended, with the commit's failure.
        var run: @Sendable (Database) throws -> @Sendable (StoreError?) -> Void
        /// It failed, or never ran.
        var fail: @Sendable (any Error) -> Void
    }

    private struct State {
        var waiting: [Entry] = []
        var isAtWork = false
        var isClosed = false
    }

    private let pool: DatabasePool
    private let path: String
    private let state = Locked(State())

    init(_ pool: DatabasePool, path: String) {
        self.pool = pool
        self.path = path
    }

    func write<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let entry = Entry(
                run: { database in
                    let value = try body(database)
                    return { failure in
                        if let failure {
                            continuation.resume(throwing: failure)
                        } else {
                            continuation.resume(returning: value)
                        }
                    }
                },
                fail: { continuation.resume(throwing: $0) })
            add(entry)
        }
    }

    private func add(_ entry: Entry) {
        let (isRefused, begins) = state.withLock { state in
            guard !state.isClosed else { return (true, false) }
            state.waiting.append(entry)
            defer { state.isAtWork = true }
            return (false, !state.isAtWork)
        }
        if isRefused {
            entry.fail(StoreError(kind: .closed, message: "the store is handed over to the next generation"))
        } else if begins {
            pool.asyncWriteWithoutTransaction { [self] in workOff($0) }
        }
    }

    /// Takes no more; what waits is still written, since it is ahead of the pool's close on the same queue.
    func close() { state.withLock { $0.isClosed = true } }

    private func workOff(_ database: Database) {
        while case let batch = nextBatch(), !batch.isEmpty { commit(batch, database) }
    }

    private func nextBatch() -> [Entry] {
        state.withLock { state in
            let batch = Array(state.waiting.prefix(Self.limit))
            state.waiting.removeFirst(batch.count)
            if batch.isEmpty { state.isAtWork = false }
            return batch
        }
    }

    private func commit(_ batch: [Entry], _ database: Database) {
        var ends: [@Sendable (StoreError?) -> Void] = []
        /// Those that have no end yet.
        var open = batch[...]
        do {
            try database.inTransaction(.immediate) {
                while let entry = open.first {
                    do {
                        var end: (@Sendable (StoreError?) -> Void)?
                        try database.inSavepoint {
                            end = try entry.run(database)
                            return .commit
                        }
                        if let end { ends.append(end) }
                    } catch let error as DatabaseError where !database.isInsideTransaction {
                        // SQLite has rolled everything back: a full disk, a broken file.
                        throw error
                    } catch {
                        entry.fail((error as? DatabaseError).map { StoreError($0, path: path) } ?? error)
                    }
                    open = open.dropFirst()
                }
                return .commit
            }
            for end in ends { end(nil) }
        } catch {
            let failure = StoreError(error, path: path)
            for end in ends { end(failure) }
            for entry in open { entry.fail(failure) }
        }
    }
}
