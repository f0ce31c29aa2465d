import Glibc
import Testing

@testable import Networking

@Suite struct AcceptTests {
    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func connectionsQueueUntilAcceptingStarts() throws {
        let server = try TestServer(accepting: false)
        defer { server.stop() }
        let clients = try (0..<20).map { _ in try server.connect() }
        for client in clients { try client.send(Self.get) }
        #expect(server.server.activity.acceptedConnections == 0)
        server.server.startAccepting()
        for client in clients { #expect(try client.answer().status == 200) }
    }

    @Test func pauseLeavesConnectionsInTheBacklogAndStartTakesThem() throws {
        let server = try TestServer()
        defer { server.stop() }
        for round in 1...5 {
            let open = try server.connect()
            try open.send(Self.get)
            #expect(try open.answer().status == 200)
            server.server.pauseAccepting()
            server.server.pauseAccepting()
            let accepted = server.server.activity.acceptedConnections
            let waiting = try server.connect()
            try waiting.send(Self.get)
            // Those that are open are served meanwhile: the loop has turned, and did not accept.
            try open.send(Self.get)
            #expect(try open.answer().status == 200)
            #expect(server.server.activity.acceptedConnections == accepted)
            #expect(waiting.isSilent())
            server.server.startAccepting()
            server.server.startAccepting()
            #expect(try waiting.answer().status == 200, "round \(round)")
        }
    }

    @Test(arguments: [true, false])
    func aSocketThatIsClosedOrShutDownUnderItIsNoticedWhileItAccepts(isClosed: Bool) throws {
        let server = try TestServer(accepting: false)
        defer { server.stop() }
        let number = try #require(listeningDescriptor(port: server.port))
        #expect(!server.server.hasLostSocket)
        server.server.startAccepting()
        #expect(!server.server.hasLostSocket)
        server.server.pauseAccepting()
        // The number stays taken, so that nobody else's descriptor is closed for it in the end.
        let other = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(other) }
        if isClosed { dup2(other, number) } else { shutdown(number, CInt(SHUT_RDWR)) }
        #expect(!server.server.hasLostSocket, "a socket that need not accept is nobody's loss")
        server.server.startAccepting()
        #expect(server.server.hasLostSocket)
        server.server.pauseAccepting()
    }

    /// The descriptor of this process that listens on a port.
    private func listeningDescriptor(port: UInt16) -> CInt? {
        (3..<4096).first { number in
            var address = sockaddr_in()
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isSocket = withUnsafeMutablePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &length) == 0 }
            }
            var isListening: CInt = 0
            var size = socklen_t(MemoryLayout<CInt>.size)
            return isSocket && address.sin_family == sa_family_t(AF_INET) && UInt16(bigEndian: address.sin_port) == port
                && getsockopt(number, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &size) == 0 && isListening != 0
        }
    }

    @Test(arguments: [1, 2])
    func connectionsBeyondTheLimitWaitForAPlace(_ loops: Int) throws {
        let server = try TestServer(HTTPLimits(maxConnections: 3), loops: loops)
        defer { server.stop() }
        let first = try (0..<3).map { _ in try server.connect() }
        for client in first {
            try client.send(Self.get)
            #expect(try client.answer().status == 200)
        }
        let further = try (0..<40).map { _ in try server.connect() }
        for client in further { try client.send(Self.get) }
        try first[0].send(Self.get)
        #expect(try first[0].answer().status == 200)
        #expect(server.server.activity.connections == 3)
        #expect(further.allSatisfy { $0.isSilent() })
        for client in first { client.close() }
        for client in further {
            #expect(try client.answer().status == 200)
            #expect(server.server.activity.connections <= 3)
            client.close()
        }
    }

    @Test func listenersWithSeveralSocketsShareOneLimit() throws {
        let server = try TestServer(HTTPLimits(maxConnections: 1))
        defer { server.stop() }
        let (descriptor, port) = try TestServer.listen()
        try server.server.adopt(descriptor: descriptor)
        server.server.startAccepting()
        let first = try server.connect()
        try first.send(Self.get)
        #expect(try first.answer().status == 200)
        let second = try ClientSocket(port: port)
        try second.send(Self.get)
        try first.send(Self.get)
        #expect(try first.answer().status == 200)
        #expect(second.isSilent())
        first.close()
        #expect(try second.answer().status == 200)
    }

    @Test func adoptingKeepsALargeBacklog() throws {
        let server = try TestServer(accepting: false)
        defer { server.stop() }
        // Well above the 128 that adopting alone leaves.
        let clients = try (0..<400).map { _ in try server.connect() }
        server.server.startAccepting()
        for client in clients { try client.send(Self.get) }
        for client in clients { #expect(try client.answer().status == 200) }
    }

    @Test func descriptorThatDoesNotListenIsAnErrorNotATrap() throws {
        let server = try TestServer()
        defer { server.stop() }
        #expect(throws: AdoptionError.self) { try server.server.adopt(descriptor: -1) }
        let file = dup(0)
        #expect(throws: AdoptionError.self) { try server.server.adopt(descriptor: file) }
        // One of a pair does not listen, and the other end tells that it was closed.
        var pair: [CInt] = [-1, -1]
        #expect(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0, &pair) == 0)
        defer { close(pair[1]) }
        #expect(throws: AdoptionError.self) { try server.server.adopt(descriptor: pair[0]) }
        var byte: UInt8 = 0
        #expect(read(pair[1], &byte, 1) == 0)
    }
}
