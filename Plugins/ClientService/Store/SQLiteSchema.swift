import GRDB

/// The tables, and how an older file becomes a newer one. A migration that was shipped is never changed.
enum SQLiteSchema {
    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration("1") { try $0.execute(sql: first) }
        return migrator
    }

    /// STRICT, so that a column holds what its type says (sqlite.org/stricttables.html). Times are milliseconds since 1970.
    private static let first = """
        CREATE TABLE "group" (
            name TEXT PRIMARY KEY
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE client (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            "group" TEXT NOT NULL REFERENCES "group" (name),
            standing TEXT NOT NULL,
            enrolled_at INTEGER NOT NULL,
            seen_at INTEGER,
            clock_skew INTEGER,
            version TEXT,
            definitions TEXT,
            status_hash TEXT NOT NULL,
            status BLOB,
            doorbells BLOB NOT NULL,
            address TEXT,
            serial TEXT NOT NULL,
            next_serial TEXT,
            certificate_ends_at INTEGER NOT NULL,
            shared_serial TEXT,
            cloned_from TEXT,
            open_detections INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX client_group ON client ("group");

        CREATE TABLE token (
            id TEXT PRIMARY KEY,
            hash BLOB NOT NULL UNIQUE,
            "group" TEXT NOT NULL,
            uses_left INTEGER NOT NULL,
            created_by TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            expires_at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE job (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            selector TEXT NOT NULL,
            parameters BLOB NOT NULL,
            not_before INTEGER,
            deadline INTEGER NOT NULL,
            max_runtime INTEGER NOT NULL,
            created_by TEXT NOT NULL,
            created_at INTEGER NOT NULL,
            cancelled_at INTEGER,
            finished_at INTEGER,
            queued INTEGER NOT NULL,
            offered INTEGER NOT NULL,
            accepted INTEGER NOT NULL,
            running INTEGER NOT NULL,
            succeeded INTEGER NOT NULL,
            failed INTEGER NOT NULL,
            cancelled INTEGER NOT NULL,
            expired INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX job_open ON job (deadline) WHERE finished_at IS NULL;

        CREATE TABLE assignment (
            job TEXT NOT NULL REFERENCES job (id),
            client TEXT NOT NULL REFERENCES client (id),
            state TEXT NOT NULL,
            is_open INTEGER NOT NULL,
            attempt INTEGER NOT NULL,
            sequence INTEGER NOT NULL,
            lease_until INTEGER,
            is_cancel_requested INTEGER NOT NULL,
            since INTEGER NOT NULL,
            reason TEXT NOT NULL,
            progress BLOB,
            result BLOB,
            is_late INTEGER NOT NULL,
            PRIMARY KEY (job, client)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX assignment_open ON assignment (client, job) WHERE is_open = 1;
        CREATE INDEX assignment_lease ON assignment (lease_until) WHERE lease_until IS NOT NULL;

        CREATE TABLE detection (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            client TEXT NOT NULL REFERENCES client (id),
            job TEXT NOT NULL,
            found_at INTEGER NOT NULL,
            path TEXT NOT NULL,
            threat TEXT NOT NULL,
            severity TEXT NOT NULL,
            sha256 TEXT NOT NULL,
            size INTEGER NOT NULL,
            action TEXT NOT NULL
        ) STRICT;

        CREATE TABLE sweep_run (
            job TEXT NOT NULL,
            client TEXT NOT NULL REFERENCES client (id),
            finished_at INTEGER NOT NULL,
            is_complete INTEGER NOT NULL,
            definitions TEXT NOT NULL,
            coverage BLOB NOT NULL,
            PRIMARY KEY (client, job)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE revocation (
            subject TEXT PRIMARY KEY,
            by TEXT NOT NULL,
            at INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        """
}
