import Glibc
import NIOPosix
import Synchronization
import Testing

@testable import Networking

@Suite struct FileTests {
    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    /// A file that has no name any more.
    final class Sample: Sendable {
        let descriptor: CInt
        let releases = Mutex(0)

        init(_ bytes: [UInt8]) throws {
            var name = Array("/tmp/networking-sample-XXXXXX\0".utf8CString)
            descriptor = mkstemp(&name)
            try #require(descriptor >= 0)
            unlink(name)
            try #require(bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == bytes.count)
        }

        deinit { close(descriptor) }

        func lease(_ offset: UInt64, _ length: UInt64) -> FileLease {
            FileLease(descriptor: descriptor, offset: offset, length: length) { self.releases.withLock { $0 += 1 } }
        }

        var released: Int { releases.withLock { $0 } }
    }

    @Test func partOfAFileIsSentAndReleasedOnce() throws {
        let sample = try Sample(Array("0123456789".utf8))
        let server = try TestServer { loops, seen in
            _ = loops.answer(seen.exchange, status: 206, file: sample.lease(2, 5), fields: [("X", "y")])
        }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get + Self.get)
        let answer = try client.answer()
        #expect(answer.status == 206)
        #expect(answer.field("X") == "y")
        #expect(answer.field("Content-Length") == "5")
        #expect(answer.body == "23456")
        #expect(try client.answer().body == "23456")
        #expect(eventually { sample.released == 2 && server.server.activity.exchanges == 0 })
        // The descriptor is still the lender's.
        #expect(fcntl(sample.descriptor, F_GETFD) >= 0)
    }

    @Test func fileFromAnotherThreadIsSentWhole() throws {
        let size = 3 << 20
        let sample = try Sample((0..<size).map { UInt8(ascii: "a") + UInt8($0 % 23) })
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let server = try TestServer { loops, seen in
            pool.submit { _ in _ = loops.answer(seen.exchange, file: sample.lease(0, UInt64(size))) }
        }
        defer { server.stop() }
        let body = try server.exchange(Self.get).body
        #expect(body.utf8.elementsEqual((0..<size).lazy.map { UInt8(ascii: "a") + UInt8($0 % 23) }))
        #expect(eventually { sample.released == 1 })
        try pool.syncShutdownGracefully()
    }

    @Test func headAndEmptyPartsSendNoBytesAndAreReleased() throws {
        let sample = try Sample(Array("0123456789".utf8))
        let server = try TestServer { loops, seen in
            _ = loops.answer(seen.exchange, file: sample.lease(0, seen.target == "/empty" ? 0 : 10))
        }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET /empty HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try client.answer(toHead: true).field("Content-Length") == "10")
        #expect(try client.answer().field("Content-Length") == "0")
        #expect(eventually { sample.released == 2 })
    }

    @Test(arguments: [(UInt64(5), UInt64(6)), (11, 0), (.max, 1), (0, .max)])
    func partBeyondTheFileIsInvalidAndReleased(_ offset: UInt64, _ length: UInt64) throws {
        let sample = try Sample(Array("0123456789".utf8))
        let result = Mutex<ExchangeResult?>(nil)
        let server = try TestServer { loops, seen in
            let refused = loops.answer(seen.exchange, file: sample.lease(offset, length))
            result.withLock { $0 = refused }
            loops.answer(seen.exchange, "other")
        }
        defer { server.stop() }
        #expect(try server.exchange(Self.get).body == "other")
        #expect(result.withLock { $0 } == .invalid)
        #expect(sample.released == 1)
    }

    @Test func fileForAnExchangeThatIsOverIsReleasedBeforeTheCallReturns() throws {
        let sample = try Sample(Array("0123456789".utf8))
        let server = try TestServer()
        defer { server.stop() }
        _ = try server.exchange(Self.get)
        let exchange = try #require(server.handler.requests.first?.exchange)
        #expect(server.loops.answer(exchange, file: sample.lease(0, 10)) == .gone)
        #expect(sample.released == 1)
    }

    @Test func clientThatLeavesInTheMiddleOfAFileReleasesIt() throws {
        let size = 32 << 20
        let sample = try Sample([UInt8](repeating: 1, count: size))
        let server = try TestServer { loops, seen in
            _ = loops.answer(seen.exchange, file: sample.lease(0, UInt64(size)))
        }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 4096)
        try client.send(Self.get)
        _ = try client.receive()
        #expect(sample.released == 0)
        client.reset()
        #expect(eventually { sample.released == 1 && server.server.activity.exchanges == 0 })
        // It was answered in full as far as the handler goes.
        #expect(server.handler.events == [.request("/")])
    }
}
