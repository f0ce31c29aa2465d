import ControlProtocol
import Glibc
import Testing

@Suite struct ControlClientTests {
    /// A listening socket in a folder of its own.
    private final class Server: Sendable {
        let path: String
        private let folder: String
        private let listener: Descriptor

        init() throws {
            var template = Array("/tmp/control-XXXXXX".utf8CString)
            folder = try #require(mkdtemp(&template).map { String(cString: $0) })
            path = folder + "/s"
            listener = Descriptor(owning: socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0))
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            let bound = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(listener.rawValue, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
            try #require(bound == 0 && listen(listener.rawValue, 1) == 0)
        }

        deinit {
            unlink(path)
            rmdir(folder)
        }

        func accept() throws -> ControlChannel {
            let number = Glibc.accept(listener.rawValue, nil, nil)
            try #require(number >= 0)
            return ControlChannel(Descriptor(owning: number))
        }
    }

    @Test func bringsTheSupervisorsAnswer() async throws {
        let server = try Server()
        let path = server.path
        let answer = onOwnThread { try ControlClient.request(path: path, .lastReceipt, timeout: 30) }
        let request = try await onOwnThread {
            let channel = try server.accept()
            let request = try channel.waitToReceive(ControlRequest.self).message
            try channel.send(ControlResponse.refused("not now"))
            return request
        }.value
        #expect(request == .lastReceipt)
        #expect(try await answer.value == .refused("not now"))
    }

    @Test func saysThatTheSupervisorHasGoneWithoutAnAnswer() async throws {
        let server = try Server()
        let path = server.path
        let answer = onOwnThread { try ControlClient.request(path: path, .reload, timeout: 30) }
        _ = try await onOwnThread { try server.accept().waitToReceive(ControlRequest.self).message }.value
        await #expect(throws: ChannelError(.closed, "reading a frame")) { try await answer.value }
    }

    @Test func givesUpWhenItsTimeIsUp() throws {
        let server = try Server()
        #expect(throws: ChannelError(.timedOut, "waiting for an answer")) {
            try ControlClient.request(path: server.path, .status, timeout: 0.05)
        }
    }

    @Test func saysWhereNobodyListens() throws {
        #expect(throws: ChannelError(.system(ENOENT), "connecting to /nowhere/control.sock")) {
            try ControlClient.request(path: "/nowhere/control.sock", .status, timeout: 1)
        }
        let long = String(repeating: "x", count: 200)
        #expect(throws: ChannelError(.system(ENAMETOOLONG), "connecting to \(long)")) {
            try ControlClient.request(path: long, .status, timeout: 1)
        }
    }
}
