import FoundationEssentials
import Glibc
import Locks
import NetworkTesting
import Testing
import UpdateTrust

@testable import UpdateAdmin

@Suite struct CurlTransportDownloadTests {
    private let folder: TestFolder
    private let transport: CurlTransport

    init() throws {
        folder = try TestFolder()
        transport = try CurlTransport(stallTimeout: .milliseconds(800))
    }

    private var path: String { "\(folder.path)/file" }

    /// What the file holds afterwards, and how it failed.
    private func download(
        from server: ScriptedServer, after start: String = "", upTo limit: UInt64 = 100
    ) async throws -> (text: String, failure: TransportFailure?) {
        defer { server.stop() }
        try Data(start.utf8).write(to: URL(filePath: path))
        let file = open(path, O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        var failure: TransportFailure?
        do throws(TransportFailure) {
            try await transport.download(
                server.url("/f"), to: file, from: UInt64(start.utf8.count), upTo: limit, progress: { _ in })
        } catch {
            failure = error
        }
        return (String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self), failure)
    }

    @Test func writesToTheFileAndSaysHowFarItIs() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(text: "0123456789")
        }
        defer { server.stop() }
        let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        let last = Locked<UInt64>(0)
        try await transport.download(server.url("/f"), to: file, from: 0, upTo: 10) { bytes in
            last.withLock { $0 = bytes }
        }
        #expect(last.withLock { $0 } == 10)
        #expect(try Data(contentsOf: URL(filePath: path)) == Data("0123456789".utf8))
    }

    @Test func asksForTheRestAndAppendsIt() async throws {
        let server = try ScriptedServer { connection in
            let head = try connection.readHead()
            #expect(ServerConnection.field("range", in: head) == "bytes=4-")
            try connection.answer("206 Partial Content", ["Content-Range: bytes 4-9/10"], text: "456789")
        }
        let (text, failure) = try await download(from: server, after: "0123")
        #expect(failure == nil)
        #expect(text == "0123456789")
    }

    @Test(arguments: ["200 OK", "416 Range Not Satisfiable"])
    func whatCannotBeGoneOnWithIsSaidAndTheFileStays(status: String) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(status, text: "another")
        }
        let (text, failure) = try await download(from: server, after: "0123")
        #expect(failure?.cause == .notResumed)
        #expect(text == "0123")
    }

    @Test func anEndlessFileIsCutAtTheLimit() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            while true { try connection.write(String(repeating: "x", count: 10_000)) }
        }
        let (text, failure) = try await download(from: server, upTo: 50_000)
        #expect(failure?.cause == .tooLarge)
        #expect(text.utf8.count <= 50_000)
    }

    @Test func thePageOfAnErrorIsNotWrittenToTheFile() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer("404 Not Found", text: "<html>")
        }
        let (text, failure) = try await download(from: server)
        #expect(failure?.cause == .notFound)
        #expect(text == "")
    }

    @Test func aFullDiskIsTheMachinesOwnTrouble() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(text: "0123456789")
        }
        defer { server.stop() }
        let file = open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(file) }
        let url = server.url("/f")
        let failure = await #expect(throws: TransportFailure.self) {
            try await transport.download(url, to: file, from: 0, upTo: 10, progress: { _ in })
        }
        #expect(failure?.cause == .storage)
        #expect(failure?.systemError == ENOSPC)
    }

    // MARK: TLS

    private func authorityFile(_ issuer: TestIssuer) throws -> String {
        let path = "\(folder.path)/authority.pem"
        try issuer.certificate.write(to: URL(filePath: path))
        return path
    }

    @Test func believesServersThatTheAuthorityVouchesFor() async throws {
        let issuer = try TestIssuer()
        let server = try ScriptedServer(.init(try issuer.issue(["IP:127.0.0.1"]))) { connection in
            _ = try connection.readHead()
            try connection.answer(text: "safe")
        }
        defer { server.stop() }
        let secure = try CurlTransport(authorityFile: authorityFile(issuer))
        #expect(try await secure.fetch(server.url("/x"), upTo: 10) == Array("safe".utf8))
    }

    @Test func refusesServersOfAnotherNameOrAuthority() async throws {
        let issuer = try TestIssuer()
        let other = try TestIssuer("Another")
        for identity in [try issuer.issue(["DNS:another.example"]), try other.issue(["IP:127.0.0.1"])] {
            let server = try ScriptedServer(.init(identity)) { connection in
                _ = try connection.readHead()
                Issue.record("something was sent to it")
            }
            defer { server.stop() }
            let secure = try CurlTransport(authorityFile: authorityFile(issuer))
            let failure = await #expect(throws: TransportFailure.self) {
                _ = try await secure.fetch(server.url("/x"), upTo: 10)
            }
            #expect(failure?.cause == .certificate)
        }
    }

    @Test func anAuthorityThatIsNotThereIsNamed() throws {
        let failure = #expect(throws: TransportFailure.self) {
            _ = try CurlTransport(authorityFile: "/nowhere/authority.pem")
        }
        #expect(failure?.cause == .storage)
        #expect(failure?.message.contains("/nowhere/authority.pem") == true)
    }

    // MARK: Through a client

    @Test func aPageForBrowsersInPlaceOfMetadataIsRefused() async throws {
        let server = try ScriptedServer { connection in
            while true {
                let head = try connection.readHead()
                if head.contains("root.json") {
                    try connection.answer("404 Not Found", text: "")
                } else {
                    try connection.answer("200 OK", ["Content-Type: text/html"], text: "<html>Please log in</html>")
                }
            }
        }
        defer { server.stop() }
        let cache = MetadataCache(folder: "\(folder.path)/trust")
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../Fuzz/Corpus/FuzzMetadata/root.json")
        try TrustFolder.begin(cache, rootFile: root.path)
        let client = UpdateClient(cache: cache, metadataURL: server.url("/metadata"), transport)
        let failure = await #expect(throws: UpdateError.self) { _ = try await client.refresh() }
        #expect(failure?.cause == .malformed)
        #expect(failure?.role == RoleName.timestamp)
    }
}
