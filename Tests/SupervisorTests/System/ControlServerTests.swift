import ControlProtocol
import Glibc
import Testing

@testable import Supervisor

@Suite struct ControlServerTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/run/control.sock" }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func client() throws -> ControlChannel {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = Descriptor(owning: socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0))
        let status = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard status == 0 else { throw SystemError("connecting") }
        _ = fcntl(descriptor.rawValue, F_SETFL, O_NONBLOCK)
        return ControlChannel(descriptor)
    }

    @Test func theSocketIsForItsOwnerAlone() throws {
        let server = try ControlServer(path: path)
        #expect(try Files.status(path).st_mode & 0o777 == 0o600)
        withExtendedLifetime(server) {}
    }

    @Test func theSocketIsRemovedAtTheEnd() throws {
        do { _ = try ControlServer(path: path) }
        #expect(access(path, F_OK) != 0)
    }

    @Test func aSocketLeftByAKilledHostIsReplaced() throws {
        let first = try ControlServer(path: path)
        // The name stays when the process dies; the listener does not.
        let moved = folder.path + "/run/moved"
        rename(path, moved)
        link(moved, path)
        close(dup(first.descriptor.rawValue))
        shutdown(first.descriptor.rawValue, CInt(SHUT_RDWR))
        let second = try ControlServer(path: path)
        _ = try client()
        withExtendedLifetime((first, second)) {}
    }

    @Test func aHostThatAnswersIsNotReplaced() throws {
        let first = try ControlServer(path: path)
        #expect(throws: Refusal.self) { _ = try ControlServer(path: path) }
        _ = try client()
        withExtendedLifetime(first) {}
    }

    @Test func whatIsNoSocketIsLeftAlone() throws {
        _ = try folder.file("run/control.sock", "precious")
        #expect(throws: Refusal.self) { _ = try ControlServer(path: path) }
        #expect(try Files.read(path, limit: 100) == [UInt8]("precious".utf8))
    }

    @Test func aPathThatIsTooLongIsRefused() {
        let long = "/tmp/" + String(repeating: "x", count: 200)
        #expect(throws: Refusal.self) { _ = try ControlServer(path: long) }
    }

    @Test func severalClientsAreAnsweredEachItsOwn() throws {
        let server = try ControlServer(path: path)
        let clients = try (0..<5).map { _ in try client() }
        #expect(server.accept().isEmpty)
        #expect(server.clients.count == 5)
        for id in server.clients.keys { server.answer(id, .refused("\(id)")) }
        let answers = try clients.map { try $0.receive(ControlResponse.self)?.message }
        #expect(answers == (1...5).map { .refused("\($0)") })
    }

    @Test func moreClientsThanTheLimitWait() throws {
        let server = try ControlServer(path: path)
        let clients = try (0..<40).map { _ in try client() }
        _ = server.accept()
        #expect(server.clients.count == ControlServer.clientLimit)
        #expect(!server.hasRoom)
        withExtendedLifetime(clients) {}
    }
}
