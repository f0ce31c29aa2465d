import FoundationEssentials
import Glibc
import Locks
import NetworkTesting
import Testing
import UpdateTrust

@testable import UpdateAdmin

@Suite struct CurlTransportTests {
    private let transport: CurlTransport

    init() throws { transport = try CurlTransport(stallTimeout: .milliseconds(800)) }

    private func fetch(from server: ScriptedServer, upTo limit: Int = 1000) async throws -> String {
        defer { server.stop() }
        return String(decoding: try await transport.fetch(server.url("/metadata/x.json"), upTo: limit), as: UTF8.self)
    }

    private func failure(from server: ScriptedServer, upTo limit: Int = 1000) async throws -> TransportFailure {
        try #require(await #expect(throws: TransportFailure.self) { try await fetch(from: server, upTo: limit) })
    }

    @Test func givesTheBodyByteForByteUpToTheLimit() async throws {
        let server = try ScriptedServer { connection in
            let head = try connection.readHead()
            #expect(head.hasPrefix("GET /metadata/x.json HTTP/1.1\r\n"))
            try connection.answer(text: "0123456789")
        }
        #expect(try await fetch(from: server, upTo: 10) == "0123456789")
    }

    @Test(arguments: [
        (404, TransportFailure.Cause.notFound), (410, .notFound), (401, .forbidden), (403, .forbidden), (429, .busy),
        (503, .busy), (500, .status), (416, .status), (204, .status), (304, .status),
    ])
    func saysWhatAStatusMeansAndWhere(status: Int, cause: TransportFailure.Cause) async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            // Its page is larger than what may be taken, which is not what matters.
            let page = [204, 304].contains(status) ? "" : String(repeating: "<p>no</p>", count: 1000)
            try connection.answer("\(status) Some", text: page)
        }
        let failure = try await failure(from: server)
        #expect(failure.cause == cause)
        #expect(failure.status == status)
        #expect(failure.message.hasPrefix("\(server.url("/metadata/x.json")): "))
        #expect(failure.message.contains("\(status)"))
    }

    @Test func handsOnWhatRetryAfterAsksFor() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer("503 Busy", ["Retry-After: 17"])
        }
        #expect(try await failure(from: server).retryAfter == .seconds(17))
    }

    @Test func aBodyThatTricklesIsWaitedForLongerThanTheStallTimeout() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n")
            // The pauses are what is tested: each is shorter than the limit, all together are longer.
            for _ in 0..<15 {
                usleep(100_000)
                try connection.write("x")
            }
        }
        #expect(try await fetch(from: server) == String(repeating: "x", count: 15))
    }

    @Test func aServerThatFallsSilentIsGivenUp() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nx")
            connection.waitForClose()
        }
        #expect(try await failure(from: server).cause == .timeout)
    }

    @Test func anEndlessBodyIsCutAtTheLimit() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            while true { try connection.write(String(repeating: "x", count: 10_000)) }
        }
        #expect(try await failure(from: server, upTo: 100_000).cause == .tooLarge)
    }

    @Test func aBodyThatSaysToBeTooLargeIsNotTaken() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n")
            connection.waitForClose()
        }
        #expect(try await failure(from: server).cause == .tooLarge)
    }

    @Test func aBodyThatBreaksOffIsNotTakenForTheWhole() async throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\nhalf")
        }
        #expect(try await failure(from: server).cause == .unreachable)
    }

    @Test func aLoopOfRedirectsEndsAfterThree() async throws {
        let requests = Locked(0)
        let server = try ScriptedServer { connection in
            while true {
                _ = try connection.readHead()
                requests.withLock { $0 += 1 }
                try connection.answer("302 Found", ["Location: /metadata/x.json"])
            }
        }
        #expect(try await failure(from: server).cause == .redirect)
        #expect(requests.withLock { $0 } == 4)
    }

    @Test func threeRedirectsAreFollowed() async throws {
        let server = try ScriptedServer { connection in
            for number in 1...3 {
                _ = try connection.readHead()
                try connection.answer("307 Elsewhere", ["Location: /\(number)"])
            }
            let head = try connection.readHead()
            #expect(head.hasPrefix("GET /3 "))
            try connection.answer(text: "here")
        }
        #expect(try await fetch(from: server) == "here")
    }

    @Test func nobodyWhoListensIsUnreachable() async throws {
        // Its port is taken, so that nobody else can listen there.
        let unheard = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        defer { close(unheard) }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(unheard, $0, length) == 0 && getsockname(unheard, $0, &length) == 0
            }
        }
        try #require(isBound)
        let url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))/x"
        let failure = await #expect(throws: TransportFailure.self) { _ = try await transport.fetch(url, upTo: 10) }
        #expect(failure?.cause == .unreachable)
        #expect(failure?.message.hasPrefix("\(url): ") == true)
    }

    @Test(arguments: [
        "", "x.json", "ftp://127.0.0.1/x", "http://user@127.0.0.1/x", "https://:1/", "http://127.0.0.1/a b",
    ])
    func whatIsNoAddressIsRefused(url: String) async throws {
        let failure = await #expect(throws: TransportFailure.self) { _ = try await transport.fetch(url, upTo: 10) }
        #expect(failure?.cause == .other)
    }

    @Test func aTaskThatIsCancelledEndsItsTransfer() async throws {
        let isAsked = AsyncStream.makeStream(of: Void.self)
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            isAsked.continuation.yield()
            connection.waitForClose()
        }
        defer { server.stop() }
        let patient = try CurlTransport()
        let url = server.url("/x")
        let task = Task { try await patient.fetch(url, upTo: 10) }
        for await _ in isAsked.stream { break }
        task.cancel()
        let result = await task.result
        let failure = #expect(throws: TransportFailure.self) { _ = try result.get() }
        #expect(failure?.cause == .cancelled)
    }

    @Test func theHostOfAnAddressIsWhomTheCertificateMustName() {
        #expect(CurlTransport.secureHost(of: "https://updates.example.com/x") == "updates.example.com")
        #expect(CurlTransport.secureHost(of: "HTTPS://updates.example.com:8443?x") == "updates.example.com")
        #expect(CurlTransport.secureHost(of: "https://[2001:db8::7]:8443/x") == "2001:db8::7")
        #expect(CurlTransport.secureHost(of: "http://updates.example.com/") == nil)
    }
}
