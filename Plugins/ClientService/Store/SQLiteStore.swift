internal import Fleet
import Foundation
import Glibc
import GRDB
import Locks

/// The fleet's store in one SQLite file, through GRDB.
///
/// Write-ahead log with `synchronous = FULL`: a commit is on disk. One connection writes; what is written while it is at
/// work is committed together with the next (`WriteBatches`), so that thousands of results a second cost tens of syncs.
package final class SQLiteStore: FleetStore {
    package let path: String
    private let pool: DatabasePool
    private let batches: WriteBatches
    private let isClosed = Locked(false)

    /// How long a write waits for another process that has the file, `sqlite3` in a shell.
    static let lockTimeout: TimeInterval = 5

    /// Opens the file, or makes it (mode 0600), and brings it to the present schema. Blocks.
    package init(path: String) throws(StoreError) {
        self.path = path
        var settings = Configuration()
        settings.busyMode = .timeout(Self.lockTimeout)
        settings.maximumReaderCount = 4
        settings.label = "fleet"
        do {
            try Self.makePrivate(path)
            pool = try DatabasePool(path: path, configuration: settings)
            // GRDB asks for NORMAL, under which a loss of power may take the last commits away.
            try pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA synchronous = FULL") }
            let migrator = SQLiteSchema.migrator
            if try pool.read({ try migrator.hasBeenSuperseded($0) }) {
                throw StoreError(
                    kind: .newer,
                    message: "the store \(path) was written by a newer Muster; start that one, or restore a backup")
            }
            try migrator.migrate(pool)
        } catch {
            throw StoreError(error, path: path)
        }
        batches = WriteBatches(pool, path: path)
    }

    /// SQLite makes files by the umask.
    private static func makePrivate(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw StoreError(
                kind: errno == ENOSPC ? .full : .other,
                message: "the store \(path) cannot be opened: \(String(cString: strerror(errno)))")
        }
        Glibc.close(descriptor)
    }

    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any FleetTransaction) throws -> Value
    ) async throws -> Value {
        try checkOpen()
        return try await batches.write { try body(SQLiteTransaction(database: $0)) }
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any FleetReading) throws -> Value
    ) async throws -> Value {
        try checkOpen()
        do {
            return try await pool.read { try body(SQLiteTransaction(database: $0)) }
        } catch let error as DatabaseError {
            throw StoreError(error, path: path)
        }
    }

    package func readBlocking<Value>(_ body: (any FleetReading) throws -> Value) throws -> Value {
        try checkOpen()
        do {
            return try pool.read { try body(SQLiteTransaction(database: $0)) }
        } catch let error as DatabaseError {
            throw StoreError(error, path: path)
        }
    }

    package func writeBlocking<Value>(_ body: (any FleetTransaction) throws -> Value) throws -> Value {
        try checkOpen()
        do {
            return try pool.write { try body(SQLiteTransaction(database: $0)) }
        } catch let error as DatabaseError {
            throw StoreError(error, path: path)
        }
    }

    package func backUp(to path: String) async throws {
        try checkOpen()
        do {
            try Self.makePrivate(path)
            let copy = try DatabaseQueue(path: path)
            try pool.backup(to: copy)
            // One file, without a log beside it.
            try await copy.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
            try copy.close()
        } catch {
            throw StoreError(error, path: path)
        }
    }

    package func close() throws {
        let wasClosed = isClosed.withLock { closed in
            defer { closed = true }
            return closed
        }
        guard !wasClosed else { return }
        batches.close()
        do {
            try pool.close()
        } catch {
            throw StoreError(error, path: path)
        }
    }

    private func checkOpen() throws(StoreError) {
        guard isClosed.withLock({ $0 }) else { return }
        throw StoreError(kind: .closed, message: "the store is handed over to the next generation")
    }
}

extension StoreError {
    init(_ error: any Error, path: String) {
        if let error = error as? StoreError {
            self = error
            return
        }
        guard let error = error as? DatabaseError else {
            self.init(kind: .other, message: "the store \(path): \(error)")
            return
        }
        let what = error.message ?? "SQLite error \(error.resultCode.rawValue)"
        switch error.resultCode {
        case .SQLITE_FULL:
            self.init(
                kind: .full, message: "the disk of the store \(path) is full; make room, what waits goes on by itself")
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            self.init(
                kind: .locked, message: "another process holds the store \(path); end it, what waits goes on by itself")
        case .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_PERM:
            self.init(
                kind: .readOnly,
                message:
                    "the store \(path) cannot be written (\(what)); its folder and files belong to the user that workers run as"
            )
        case .SQLITE_CORRUPT, .SQLITE_NOTADB:
            self.init(
                kind: .damaged, message: "the store \(path) is damaged (\(what)); restore a backup (docs/fleet.md)")
        case .SQLITE_MISUSE where what.contains("closed"):
            self.init(kind: .closed, message: "the store is handed over to the next generation")
        default: self.init(kind: .other, message: "the store \(path): \(what)")
        }
    }
}

extension SQLiteStore {
    /// Of the writing connection: 2 is FULL (sqlite.org/pragma.html#pragma_synchronous).
    package func synchronousLevel() throws -> Int? {
        try pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
    }
}
