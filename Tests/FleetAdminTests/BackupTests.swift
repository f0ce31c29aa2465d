import Fleet
import FleetAdmin
import FoundationEssentials
import Glibc
import NetworkTesting
import Testing

@Suite struct BackupTests {
    private let fleet: TestIssuer
    private let folder: String
    private static let store = Array("SQLite format 3\0".utf8) + [UInt8](repeating: 7, count: 300_000)

    init() throws {
        fleet = try TestIssuer("Fleet")
        var path = Array("/tmp/backup-tests-XXXXXX\0".utf8CString)
        folder = try #require(mkdtemp(&path).map { String(cString: $0) })
    }

    private func server(_ type: String = "application/vnd.sqlite3", _ body: [UInt8] = store) throws -> ServerDouble {
        try ServerDouble(fleet) { _, connection in
            try connection.answer("200 OK", ["Content-Type: \(type)"], body: body)
        }
    }

    private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }

    private func failure(_ client: AdminClient, _ path: String, replaces: Bool = false) -> AdminFailure? {
        do throws(AdminFailure) {
            _ = try client.backUp(to: path, replaces: replaces)
            return nil
        } catch {
            return error
        }
    }

    @Test func aCopyIsWholeAndForItsOwnerAlone() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/fleet.sqlite"
        let server = try server()
        defer { server.stop() }
        #expect(try server.client().backUp(to: path, replaces: false) == Int64(Self.store.count))
        #expect(try Data(contentsOf: URL(filePath: path)) == Data(Self.store))
        var status = stat()
        stat(path, &status)
        #expect(status.st_mode & 0o777 == 0o600)
        #expect(try names() == ["fleet.sqlite"])
    }

    @Test func aFileThatIsThereIsKeptUnlessForced() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/fleet.sqlite"
        try Data("old".utf8).write(to: URL(filePath: path))
        let server = try server()
        defer { server.stop() }
        let failure = failure(try server.client(), path)
        #expect(failure?.message == "\(path) exists")
        #expect(server.requests.isEmpty)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data("old".utf8))
        #expect(try server.client().backUp(to: path, replaces: true) == Int64(Self.store.count))
        #expect(try Data(contentsOf: URL(filePath: path)).count == Self.store.count)
    }

    @Test(arguments: [
        ("text/html", Array("<html>".utf8)), ("application/vnd.sqlite3", Array("nothing".utf8)),
        ("application/vnd.sqlite3", []),
    ])
    func whatIsNoStoreLeavesNoFile(type: String, body: [UInt8]) throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try server(type, body)
        defer { server.stop() }
        #expect(failure(try server.client(), folder + "/fleet.sqlite")?.kind == .notOurs)
        #expect(try names().isEmpty)
    }

    @Test func aRefusalLeavesNoFile() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try ServerDouble(fleet) { _, connection in
            try connection.answer(Problem(403, .notAllowed, "Only an admin may."))
        }
        defer { server.stop() }
        #expect(failure(try server.client(), folder + "/fleet.sqlite")?.kind == .problem(.notAllowed))
        #expect(try names().isEmpty)
    }

    @Test func aCopyThatIsCutOffLeavesNoFile() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try ServerDouble(fleet) { _, connection in
            try connection.write(
                "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.sqlite3\r\nContent-Length: 9999\r\n\r\nSQLite format 3\0"
            )
            connection.reset()
            throw ConnectionEnded()
        }
        defer { server.stop() }
        #expect(failure(try server.client(), folder + "/fleet.sqlite")?.kind == .unreachable)
        #expect(try names().isEmpty)
    }

    private struct ConnectionEnded: Error {}

    @Test func aFolderThatIsNotThereIsNamed() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let server = try server()
        defer { server.stop() }
        let failure = failure(try server.client(), folder + "/none/fleet.sqlite")
        #expect(failure?.kind == .local)
        #expect(failure?.message.contains("\(folder)/none/fleet.sqlite") == true)
        #expect(failure?.message.hasSuffix("No such file or directory") == true)
    }
}
