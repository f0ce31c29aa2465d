internal import Fleet
import Foundation
import GRDB

extension SQLiteTransaction {
    private static let columns = """
        id, name, "group", standing, enrolled_at, seen_at, clock_skew, version, definitions, status_hash, status, \
        doorbells, address, serial, next_serial, certificate_ends_at, shared_serial, cloned_from, open_detections
        """

    func client(_ id: ClientID) throws -> ClientRecord? {
        try one("SELECT \(Self.columns) FROM client WHERE id = ?", [id.description]).map(Self.client)
    }

    func clients(after: ClientID?, limit: Int) throws -> [ClientRecord] {
        try all(
            "SELECT \(Self.columns) FROM client WHERE id > ? ORDER BY id LIMIT ?", [after?.description ?? "", limit]
        ).map(Self.client)
    }

    private static func client(_ row: Row) throws -> ClientRecord {
        ClientRecord(
            id: try ClientID(column: row["id"]), name: row["name"], group: row["group"],
            standing: try ClientRow.Standing(column: row["standing"]),
            enrolledAt: Timestamp(column: row["enrolled_at"]),
            seenAt: (row["seen_at"] as Int64?).map(Timestamp.init(column:)), clockSkew: row["clock_skew"],
            version: row["version"], definitions: row["definitions"], statusHash: row["status_hash"],
            status: try json(row["status"]), doorbells: try json(row["doorbells"]) ?? [:], address: row["address"],
            serial: row["serial"], nextSerial: row["next_serial"],
            certificateEndsAt: Timestamp(column: row["certificate_ends_at"]), sharedSerial: row["shared_serial"],
            clonedFrom: try (row["cloned_from"] as String?).map { try ClientID(column: $0) },
            openDetections: row["open_detections"])
    }

    private static func arguments(_ client: ClientRecord) throws -> StatementArguments {
        [
            client.name, client.group, client.standing.rawValue, client.enrolledAt.milliseconds,
            client.seenAt?.milliseconds, client.clockSkew, client.version, client.definitions, client.statusHash,
            try client.status.map { try json($0) }, try json(client.doorbells), client.address, client.serial,
            client.nextSerial, client.certificateEndsAt.milliseconds, client.sharedSerial,
            client.clonedFrom?.description, client.openDetections, client.id.description,
        ]
    }

    func insert(_ client: ClientRecord) throws {
        try run("INSERT OR IGNORE INTO \"group\" (name) VALUES (?)", [client.group])
        try run(
            """
            INSERT INTO client (name, "group", standing, enrolled_at, seen_at, clock_skew, version, definitions,
                status_hash, status, doorbells, address, serial, next_serial, certificate_ends_at, shared_serial,
                cloned_from, open_detections, id)
            VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
            """, try Self.arguments(client))
    }

    func update(_ client: ClientRecord) throws {
        try run("INSERT OR IGNORE INTO \"group\" (name) VALUES (?)", [client.group])
        try run(
            """
            UPDATE client SET name = ?, "group" = ?, standing = ?, enrolled_at = ?, seen_at = ?, clock_skew = ?,
                version = ?, definitions = ?, status_hash = ?, status = ?, doorbells = ?, address = ?, serial = ?,
                next_serial = ?, certificate_ends_at = ?, shared_serial = ?, cloned_from = ?, open_detections = ?
            WHERE id = ?
            """, try Self.arguments(client))
    }

    func update(_ id: ClientID, heard: HeardClient) throws {
        try run(
            """
            UPDATE client SET name = :name, seen_at = :seen, clock_skew = :skew, version = :version,
                definitions = :definitions, doorbells = :doorbells, address = :address,
                serial = CASE WHEN next_serial = :serial THEN :serial ELSE serial END,
                next_serial = CASE WHEN next_serial = :serial THEN NULL ELSE next_serial END,
                shared_serial = coalesce(:shared, shared_serial)
            WHERE id = :id
            """,
            [
                "name": heard.name, "seen": heard.seenAt?.milliseconds, "skew": heard.clockSkew,
                "version": heard.version, "definitions": heard.definitions, "doorbells": try Self.json(heard.doorbells),
                "address": heard.address, "serial": heard.serial, "shared": heard.sharedSerial, "id": id.description,
            ])
    }

    func groups() throws -> [GroupRow] {
        try all(
            """
            SELECT name, (SELECT count(*) FROM client WHERE "group" = "group".name AND standing = 'enrolled') AS clients
            FROM "group" ORDER BY name
            """
        ).map { GroupRow(name: $0["name"], clients: $0["clients"]) }
    }

    // MARK: Tokens

    func token(hash: [UInt8]) throws -> TokenRecord? {
        try one("SELECT * FROM token WHERE hash = ?", [Data(hash)]).map {
            TokenRecord(row: try Self.token($0), hash: hash)
        }
    }

    func tokens(after: TokenID?, limit: Int) throws -> [TokenRow] {
        try all("SELECT * FROM token WHERE id > ? ORDER BY id LIMIT ?", [after?.description ?? "", limit])
            .map(Self.token)
    }

    private static func token(_ row: Row) throws -> TokenRow {
        TokenRow(
            id: try TokenID(column: row["id"]), group: row["group"], usesLeft: row["uses_left"],
            createdBy: row["created_by"], createdAt: Timestamp(column: row["created_at"]),
            expiresAt: Timestamp(column: row["expires_at"]))
    }

    func insert(_ token: TokenRecord) throws {
        try run("INSERT OR IGNORE INTO \"group\" (name) VALUES (?)", [token.row.group])
        try run(
            """
            INSERT INTO token (id, hash, "group", uses_left, created_by, created_at, expires_at)
            VALUES (?, ?, ?, ?, ?, ?, ?)
            """,
            [
                token.row.id.description, Data(token.hash), token.row.group, token.row.usesLeft, token.row.createdBy,
                token.row.createdAt.milliseconds, token.row.expiresAt.milliseconds,
            ])
    }

    func setUsesLeft(_ uses: Int, of token: TokenID) throws {
        try run("UPDATE token SET uses_left = ? WHERE id = ?", [uses, token.description])
    }

    func deleteToken(_ id: TokenID) throws -> Bool {
        try run("DELETE FROM token WHERE id = ?", [id.description])
        return database.changesCount > 0
    }

    func deleteTokens(expiredAt now: Timestamp) throws {
        try run("DELETE FROM token WHERE expires_at <= ?", [now.milliseconds])
    }

    // MARK: Revocations

    func revocations() throws -> [String] { try all("SELECT subject FROM revocation").map { $0["subject"] } }

    func revoke(_ subject: String, by: String, at: Timestamp) throws -> Bool {
        try run(
            "INSERT OR IGNORE INTO revocation (subject, by, at) VALUES (?, ?, ?)", [subject, by, at.milliseconds])
        return database.changesCount > 0
    }
}
