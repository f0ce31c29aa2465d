import NIOPosix
import Synchronization
import Testing

@testable import Networking

@Suite struct StreamingTests {
    static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

    @Test func streamOfUnknownLengthIsChunked() throws {
        let server = try TestServer { loops, seen in
            loops.begin(seen.exchange)
            loops.write(seen.exchange, "hello ")
            loops.write(seen.exchange, "")
            loops.write(seen.exchange, "world")
            _ = loops.end(seen.exchange)
        }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get + Self.get)
        let answer = try client.answer()
        #expect(answer.field("Transfer-Encoding") == "chunked")
        #expect(answer.body == "hello world")
        #expect(try client.answer().body == "hello world")
    }

    @Test func streamOfUnknownLengthEndsWithTheConnectionForAnOldClient() throws {
        let server = try TestServer { loops, seen in
            loops.begin(seen.exchange)
            loops.write(seen.exchange, "hello")
            _ = loops.end(seen.exchange)
        }
        defer { server.stop() }
        let answer = try server.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(answer.field("Transfer-Encoding") == nil)
        #expect(answer.field("Connection") == "close")
        #expect(answer.body == "hello")
    }

    @Test func streamOfKnownLengthHasContentLengthAndNoMore() throws {
        let results = Mutex<[ExchangeResult]>([])
        let server = try TestServer { loops, seen in
            let calls = [
                loops.write(seen.exchange, "early"), loops.end(seen.exchange), loops.begin(seen.exchange, length: 5),
                loops.begin(seen.exchange, length: 5), loops.answer(seen.exchange, "no"),
                loops.write(seen.exchange, "hello!"), loops.write(seen.exchange, "hello"),
                loops.write(seen.exchange, "x"), loops.end(seen.exchange), loops.end(seen.exchange),
                loops.write(seen.exchange, "late"),
            ]
            results.withLock { $0 = calls }
        }
        defer { server.stop() }
        let answer = try server.exchange(Self.get)
        #expect(answer.field("Content-Length") == "5")
        #expect(answer.body == "hello")
        #expect(
            results.withLock { $0 } == [
                .wrongState, .wrongState, .done, .wrongState, .wrongState, .invalid, .done, .invalid, .done, .gone,
                .gone,
            ])
    }

    @Test func streamCutShortClosesTheConnection() throws {
        let server = try TestServer { loops, seen in
            loops.begin(seen.exchange, length: 10)
            loops.write(seen.exchange, "hello")
            _ = loops.end(seen.exchange)
        }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get)
        let all = try client.receiveAll()
        #expect(all.contains("Content-Length: 10\r\n"))
        #expect(all.hasSuffix("\r\n\r\nhello"))
    }

    @Test func streamToHeadHasNoBody() throws {
        let server = try TestServer { loops, seen in
            loops.begin(seen.exchange, length: seen.target == "/known" ? 5 : nil)
            loops.write(seen.exchange, "hello")
            _ = loops.end(seen.exchange)
        }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nHEAD /known HTTP/1.1\r\nHost: a\r\n\r\n" + Self.get)
        #expect(try client.answer(toHead: true).status == 200)
        #expect(try client.answer(toHead: true).field("Content-Length") == "5")
        #expect(try client.answer().body == "hello")
    }

    @Test func slowReaderMakesWritesBusyUntilThereIsRoom() throws {
        let total = 8 << 20
        let piece = String(repeating: "p", count: 16 << 10)
        let left = Mutex(total)
        let fill: @Sendable (HTTPLoops, ExchangeID) -> Void = { loops, exchange in
            while true {
                let isDone = left.withLock { $0 == 0 }
                if isDone {
                    _ = loops.end(exchange)
                    return
                }
                guard loops.write(exchange, piece) == .done else { return }
                left.withLock { $0 -= piece.utf8.count }
            }
        }
        let server = try TestServer { loops, seen in
            loops.begin(seen.exchange, length: UInt64(total))
            fill(loops, seen.exchange)
        }
        server.handler.whenWritable.withLock { $0 = fill }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 16_384)
        try client.send(Self.get)
        #expect(eventually { server.handler.handled == 1 })
        #expect(left.withLock { $0 } > 0)
        #expect(try client.answer().body.utf8.count == total)
        #expect(server.handler.events.contains(.writable))
    }

    @Test func writesFromAnotherThreadKeepTheirOrderAndAreHeldBack() throws {
        let server = try TestServer { _, _ in }
        defer { server.stop() }
        let client = try server.connect(receiveBuffer: 16_384)
        try client.send(Self.get)
        #expect(eventually { server.handler.handled == 1 })
        let exchange = try #require(server.handler.requests.first?.exchange)
        let loops = server.loops
        let busy = Mutex(0)
        let writer = NIOThreadPool(numberOfThreads: 1)
        writer.start()
        writer.submit { _ in
            loops.begin(exchange)
            for number in 0..<10_000 {
                let text = "\(number) and some words to make it longer\n"
                // Bounded by the test's own time limits: the client reads, or its waits end.
                while true {
                    let result = loops.write(exchange, text)
                    if result == .done { break }
                    guard result == .busy else { return }
                    let seen = server.handler.events.filter { $0 == .writable }.count
                    busy.withLock { $0 += 1 }
                    guard
                        eventually({
                            server.handler.events.filter { $0 == .writable }.count > seen
                                || loops.write(exchange, "") == .gone
                        })
                    else { return }
                }
            }
            _ = loops.end(exchange)
        }
        let body = try client.answer().body
        let numbers = body.split(separator: "\n").compactMap { $0.split(separator: " ").first.flatMap { Int($0) } }
        #expect(numbers == Array(0..<10_000))
        try writer.syncShutdownGracefully()
    }

    @Test func clientThatLeavesAStreamAbortsIt() throws {
        let server = try TestServer { loops, seen in
            loops.begin(seen.exchange)
            loops.write(seen.exchange, "first")
        }
        defer { server.stop() }
        let client = try server.connect()
        try client.send(Self.get)
        _ = try client.receive()
        client.close()
        #expect(eventually { server.handler.events.last == .abort(.clientGone) })
        #expect(server.loops.write(try #require(server.handler.requests.first?.exchange), "more") == .gone)
    }

    @Test func malformedBodyUnderAStreamBreaksItOff() throws {
        let server = try TestServer { loops, seen in loops.begin(seen.exchange) }
        defer { server.stop() }
        let client = try server.connect()
        try client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        #expect(String(decoding: try client.receive(), as: UTF8.self).hasPrefix("HTTP/1.1 200"))
        try client.send("nonsense\r\n")
        #expect(eventually { server.handler.events.last == .abort(.badRequest) })
        #expect(throws: ClientSocket.Failure.self) { _ = try client.receive() }
    }
}
