internal import Fleet
import Foundation
import GRDB

/// The statements, on one connection within one transaction. Each is prepared once for the connection.
struct SQLiteTransaction: FleetTransaction {
    let database: Database

    func all(_ sql: String, _ arguments: StatementArguments = StatementArguments()) throws -> [Row] {
        try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments)
    }

    func one(_ sql: String, _ arguments: StatementArguments = StatementArguments()) throws -> Row? {
        try Row.fetchOne(database.cachedStatement(sql: sql), arguments: arguments)
    }

    func run(_ sql: String, _ arguments: StatementArguments) throws {
        try database.cachedStatement(sql: sql).execute(arguments: arguments)
    }

    static func json(_ value: some Encodable) throws -> Data { Data(try FleetJSON.encode(value)) }

    static func json<Value: Decodable>(_ data: Data?, as type: Value.Type = Value.self) throws -> Value? {
        try data.map { try FleetJSON.decode(Value.self, from: $0) }
    }
}

extension Identifier {
    /// Of a column: the store writes nothing else into it.
    init(column text: String) throws {
        guard let id = Self(text) else {
            throw StoreError(
                kind: .damaged, message: "the store holds an identifier that is none; restore a backup (docs/fleet.md)")
        }
        self = id
    }
}

extension RawRepresentable where RawValue == String {
    init(column text: String) throws {
        guard let value = Self(rawValue: text) else {
            throw StoreError(
                kind: .damaged,
                message: "the store holds a word that is none of \(Self.self)'s; restore a backup (docs/fleet.md)")
        }
        self = value
    }
}

extension Timestamp {
    init(column: Int64) { self.init(milliseconds: column) }
}
