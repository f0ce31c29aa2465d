import Glibc
import Locks
import NetworkTesting
import Testing

@testable import Networking

/// What a plugin asks for and gets, over plain HTTP.
@Suite struct ClientTransferTests {
    /// Answers each request with what it said.
    private static let echo: ScriptedServer.Script = { connection in
        while let (head, body) = try? connection.readRequest() {
            let isHEAD = head.hasPrefix("HEAD ")
            let text = head + String(decoding: body, as: UTF8.self)
            if isHEAD {
                try connection.write("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\nX-Seen: yes\r\n\r\n")
            } else {
                try connection.answer(text: text)
            }
        }
    }

    @Test func getsTheAnswerWithItsFields() throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write(
                "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 404 Not Found\r\nX-One:  first \r\nX-Two: a\r\n b\r\n"
                    + "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: 7\r\nContent-Length: 4\r\n\r\nnone")
        }
        defer { server.stop() }
        let got = try ClientBench().fetch(server.url("/a?b"))
        #expect(got.code == .done && got.reason.isEmpty)
        #expect(got.text == "none")
        let head = try #require(got.heads.first)
        #expect(got.heads.count == 1 && head.status == 404 && head.contentLength == 4 && head.redirectCount == 0)
        #expect(head.url == server.url("/a?b"))
        #expect(head.value(of: "x-one") == "first")
        #expect(head.value(of: "X-TWO") == "a b")
        #expect(head.value(of: "link") == nil)
        let result = try #require(got.results.first)
        #expect(result.status == 404 && result.receivedBytes == 4 && !result.isWorthRetrying)
        #expect(result.date == 784_111_777 && result.retryAfter == 7_000_000_000)
    }

    @Test func sendsMethodFieldsAndNoMoreThanIsWanted() throws {
        let server = try ScriptedServer(script: Self.echo)
        defer { server.stop() }
        var request = HTTPClientRequest(url: server.url("/p/a%20th?q=1#fragment"))
        request.fields = [.init("X-Token", " secret "), .init("X-Empty", ""), .init("Accept", "text/plain")]
        let got = try ClientBench().fetch(request)
        #expect(
            got.text
                == "GET /p/a%20th?q=1 HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\nUser-Agent: Tests\r\n"
                + "X-Token: secret \r\nX-Empty:\r\nAccept: text/plain\r\n\r\n")
    }

    @Test(arguments: ["POST", "PUT", "PATCH", "REPORT"])
    func sendsABodyFromMemoryOrAFile(method: String) throws {
        let server = try ScriptedServer(script: Self.echo)
        defer { server.stop() }
        let bench = try ClientBench()
        var request = HTTPClientRequest(url: server.url())
        request.method = method
        request.body = .bytes(Array("hello".utf8))
        let first = try bench.fetch(request)
        #expect(first.text.hasPrefix("\(method) / HTTP/1.1\r\n") && first.text.hasSuffix("\r\n\r\nhello"))
        #expect(!first.text.contains("Expect") && !first.text.contains("Content-Type"))
        let file = try ScratchFile(Array("0123456789".utf8))
        request.body = .file(descriptor: file.descriptor, offset: 2, length: 5)
        #expect(try bench.fetch(request).text.hasSuffix("\r\n\r\n23456"))
    }

    @Test func postWithoutABodySaysSo() throws {
        let server = try ScriptedServer(script: Self.echo)
        defer { server.stop() }
        var request = HTTPClientRequest(url: server.url())
        request.method = "POST"
        let got = try ClientBench().fetch(request)
        #expect(got.text.hasPrefix("POST / ") && got.text.contains("Content-Length: 0\r\n"))
    }

    @Test func headHasFieldsAndNoBody() throws {
        let server = try ScriptedServer(script: Self.echo)
        defer { server.stop() }
        let bench = try ClientBench()
        var request = HTTPClientRequest(url: server.url())
        request.method = "HEAD"
        request.bodyLimit = 1
        let got = try bench.fetch(request)
        #expect(got.code == .done && got.body.isEmpty && got.heads.first?.value(of: "x-seen") == "yes")
        #expect(got.heads.first?.contentLength == 0)
        // The connection is good for the next.
        #expect(try bench.fetch(server.url()).code == .done)
        #expect(server.accepted == 1)
    }

    @Test func notModifiedIsAnAnswerLikeOthers() throws {
        let server = try ScriptedServer { connection in
            let head = try connection.readHead()
            #expect(head.contains("If-None-Match: \"v1\"\r\n"))
            try connection.write("HTTP/1.1 304 Not Modified\r\nETag: \"v1\"\r\n\r\n")
        }
        defer { server.stop() }
        var request = HTTPClientRequest(url: server.url())
        request.fields = [.init("If-None-Match", "\"v1\"")]
        let got = try ClientBench().fetch(request)
        #expect(got.code == .done && got.status == 304 && got.heads.first?.value(of: "etag") == "\"v1\"")
    }

    @Test func streamsALargeBodyInPiecesOfEveryFraming() throws {
        let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let server = try ScriptedServer { connection in
            while let head = try? connection.readHead() {
                if head.hasPrefix("GET /length") {
                    try connection.answer(body: content)
                } else if head.hasPrefix("GET /chunks") {
                    try connection.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    for start in stride(from: 0, to: content.count, by: 70_000) {
                        let piece = Array(content[start..<min(start + 70_000, content.count)])
                        try connection.write(Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + [13, 10])
                    }
                    try connection.write("0\r\nX-Trailer: unasked\r\n\r\n")
                } else {
                    try connection.write(Array("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".utf8) + content)
                    return
                }
            }
        }
        defer { server.stop() }
        let bench = try ClientBench()
        for path in ["/length", "/chunks", "/close"] {
            let got = try bench.fetch(server.url(path))
            #expect(got.code == .done && got.body == content && got.pieces > 1, "\(path): \(got.reason)")
            #expect(got.heads.first?.value(of: "x-trailer") == nil)
            #expect(got.results.first?.receivedBytes == 3_000_000)
        }
    }

    @Test func writesTheBodyToItsPlaceInAFile() throws {
        let content = (0..<500_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let server = try ScriptedServer { connection in
            while let head = try? connection.readHead() {
                if head.hasPrefix("GET /whole") {
                    try connection.answer(body: content)
                } else {
                    try connection.answer("404 Not Found", text: "an error page")
                }
            }
        }
        defer { server.stop() }
        let bench = try ClientBench()
        let file = try ScratchFile(Array("head".utf8))
        var request = HTTPClientRequest(url: server.url("/whole"))
        request.destination = .init(descriptor: file.descriptor, offset: 4)
        let got = try bench.fetch(request)
        #expect(got.code == .done && got.body.isEmpty && got.results.first?.receivedBytes == 500_000)
        #expect(file.bytes == Array("head".utf8) + content)
        // What is not the content does not go there.
        request.url = server.url("/none")
        let missing = try bench.fetch(request)
        #expect(missing.status == 404 && missing.text == "an error page")
        #expect(file.bytes == Array("head".utf8) + content)
    }

    // MARK: Many, and their end

    @Test func runsNoMoreThanItsBoundAndAllOfThemInTheEnd() throws {
        let requests = Locked((arrived: 0, open: 0, mostOpen: 0))
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            requests.withLock { requests in
                requests.arrived += 1
                requests.open += 1
                requests.mostOpen = max(requests.mostOpen, requests.open)
            }
            // Until as many are there as may run, so that the bound is reached as well as kept.
            _ = eventually { requests.withLock { $0.arrived } >= 64 }
            // Before the client can know, so that what it starts then is not counted together with this.
            requests.withLock { $0.open -= 1 }
            try connection.answer("200 OK", ["Connection: close"], text: "x")
        }
        defer { server.stop() }
        let bench = try ClientBench()
        let records = (0..<200).map { _ in TransferRecord() }
        for record in records { _ = try bench.start(HTTPClientRequest(url: server.url()), nil, record) }
        for record in records { #expect(try record.ended().code == .done) }
        #expect(server.accepted == 200)
        #expect(requests.withLock { $0.mostOpen } == 64)
    }

    @Test func saysThatItIsBusyBeyondItsQueueAndEndsAllAtItsClose() throws {
        let server = try ScriptedServer { connection in connection.waitForClose() }
        defer { server.stop() }
        var limits = HTTPClient.Limits()
        limits.running = 2
        limits.waiting = 3
        let bench = try ClientBench(limits: limits)
        let records = (0..<5).map { _ in TransferRecord() }
        for record in records { _ = try bench.start(HTTPClientRequest(url: server.url()), nil, record) }
        #expect(throws: HTTPClient.Failure.busy) {
            try bench.start(HTTPClientRequest(url: server.url()), nil, TransferRecord())
        }
        #expect(eventually { server.accepted == 2 })
        #expect(bench.close())
        for record in records {
            #expect(record.now.results.map(\.code) == [.cancelled])
        }
        #expect(throws: HTTPClient.Failure.closed) {
            try bench.start(HTTPClientRequest(url: server.url()), nil, TransferRecord())
        }
    }

    @Test func cancelsATransferThatWaitsRunsOrHasEnded() throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.write("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegin")
            connection.waitForClose()
        }
        defer { server.stop() }
        var limits = HTTPClient.Limits()
        limits.running = 1
        let bench = try ClientBench(limits: limits)
        let (running, waiting) = (TransferRecord(), TransferRecord())
        let first = try bench.start(HTTPClientRequest(url: server.url()), nil, running)
        let second = try bench.start(HTTPClientRequest(url: server.url()), nil, waiting)
        #expect(eventually { running.now.text == "begin" })
        #expect(bench.client.cancel(second))
        #expect(try waiting.ended().code == .cancelled)
        #expect(waiting.now.heads.isEmpty && server.accepted == 1)
        #expect(bench.client.cancel(first))
        let ended = try running.ended()
        #expect(ended.code == .cancelled && ended.results.first?.receivedBytes == 5)
        #expect(!bench.client.cancel(first) && !bench.client.cancel(second) && !bench.client.cancel(0))
        #expect(!bench.client.pause(first) && !bench.client.resume(first) && !bench.client.cancel(.max))
        #expect(running.now.results.count == 1 && waiting.now.results.count == 1)
    }

    @Test func noPieceComesAfterACancellationFromWithinACallback() throws {
        let content = [UInt8](repeating: 7, count: 2_000_000)
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(body: content)
        }
        defer { server.stop() }
        let bench = try ClientBench()
        let fromBody = TransferRecord(whenBody: { [client = bench.client] id, _ in _ = client.cancel(id) })
        _ = try bench.start(HTTPClientRequest(url: server.url()), nil, fromBody)
        #expect(try fromBody.ended().code == .cancelled && fromBody.now.pieces == 1)
        let fromHead = TransferRecord(whenHead: { [client = bench.client] id in _ = client.cancel(id) })
        _ = try bench.start(HTTPClientRequest(url: server.url()), nil, fromHead)
        #expect(try fromHead.ended().code == .cancelled && fromHead.now.pieces == 0)
    }

    @Test func pausedBodyHoldsTheServerBackAndComesWholeAfterwards() throws {
        let content = [UInt8](repeating: 9, count: 30_000_000)
        let isWritten = Locked(false)
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(body: content)
            isWritten.withLock { $0 = true }
        }
        defer { server.stop() }
        let bench = try ClientBench()
        var request = HTTPClientRequest(url: server.url())
        // Rests while paused.
        request.stallTimeout = 100_000_000
        let record = TransferRecord(whenBody: { [client = bench.client] id, state in
            if state.pieces == 1 { _ = client.pause(id) }
        })
        let id = try bench.start(request, nil, record)
        #expect(eventually { record.now.pieces == 1 })
        // Others go on meanwhile, for longer than the stall limit, and nothing more comes.
        let other = try ScriptedServer(script: Self.echo)
        defer { other.stop() }
        let until = coarseNow() + 300_000_000
        while coarseNow() < until { #expect(try bench.fetch(other.url()).code == .done) }
        #expect(record.now.pieces == 1 && record.now.results.isEmpty && !isWritten.withLock { $0 })
        #expect(bench.client.resume(id))
        #expect(try record.ended().code == .done)
        #expect(record.now.body == content)
    }

    @Test func bandwidthIsKeptWithinItsCeiling() throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(body: [UInt8](repeating: 1, count: 300_000))
        }
        defer { server.stop() }
        var request = HTTPClientRequest(url: server.url())
        request.bandwidthLimit = 200_000
        request.stallTimeout = 1_000_000_000
        let began = coarseNow()
        let got = try ClientBench().fetch(request)
        #expect(got.code == .done && got.body.count == 300_000)
        // 1.5 s at the ceiling; libcurl lets the first of it through at once.
        #expect(coarseNow() - began > 600_000_000)
    }

    @Test func callbacksMayStartAndCancelOthers() throws {
        let server = try ScriptedServer(script: Self.echo)
        defer { server.stop() }
        let bench = try ClientBench()
        let second = TransferRecord()
        let url = server.url("/second")
        let first = TransferRecord(whenHead: { [client = bench.client] _ in
            _ = try? client.start(HTTPClientRequest(url: url), nil, second)
        })
        _ = try bench.start(HTTPClientRequest(url: server.url()), nil, first)
        #expect(try first.ended().code == .done)
        #expect(try second.ended().text.hasPrefix("GET /second"))
    }

    // MARK: Requests that are not started

    @Test(arguments: [
        ("", "empty"), ("127.0.0.1/x", "URL"), ("ftp://127.0.0.1/", "neither http nor https"),
        ("file:///etc/passwd", "neither http nor https"), ("http://user:secret@127.0.0.1/", "Authorization"),
        ("http://127.0.0.1:0/", "port"), ("http://127.0.0.1:99999/", "not one"), ("http://", "not one"),
        ("http://ex ample/", "percent-encode"), ("http://exämple/", "ASCII"), ("http://a/\r\nX: y", "percent-encode"),
        ("https://127.0.0.1/", "needs an expected peer"),
    ])
    func refusesAURLThatCannotBeFetched(url: String, words: String) throws {
        let refusal = try ClientBench().refusal(HTTPClientRequest(url: url))
        #expect(refusal?.contains(words) == true, "\(url): \(refusal ?? "started")")
        #expect(refusal?.contains("secret") != true)
    }

    @Test func refusesWhatCouldNotBeChecked() throws {
        let bench = try ClientBench()
        let tls = ClientTLS(expectedPeer: "muster:server")
        #expect(try bench.refusal(HTTPClientRequest(url: "http://127.0.0.1/"), tls)?.contains("Over http") == true)
    }

    @Test func refusesFieldsAndMethodsThatAreNotThePlugins() throws {
        let bench = try ClientBench()
        func refusal(_ change: (inout HTTPClientRequest) -> Void) throws -> String {
            var request = HTTPClientRequest(url: "http://127.0.0.1:9/")
            change(&request)
            return try bench.refusal(request) ?? "started"
        }
        for name in ["Host", "content-length", "Transfer-Encoding", "Connection", "Expect", "Proxy-Authorization"] {
            #expect(try refusal { $0.fields = [.init(name, "x")] }.contains("the host's to write"))
        }
        #expect(try refusal { $0.fields = [.init("A b", "x")] }.contains("name"))
        #expect(try refusal { $0.fields = [.init("", "x")] }.contains("name"))
        #expect(try refusal { $0.fields = [.init("A", "x\r\nB: y")] }.contains("value of A"))
        #expect(try refusal { $0.fields = [.init("A", "x\0")] }.contains("value of A"))
        #expect(try refusal { $0.fields = Array(repeating: .init("A", "x"), count: 101) }.contains("100"))
        #expect(try refusal { $0.fields = [.init("A", String(repeating: "x", count: 70_000))] }.contains("bytes"))
        for method in ["", "GET /", "CONNECT", "TRACE", "G\r\nT"] {
            #expect(try refusal { $0.method = method }.contains("method"))
        }
        #expect(try refusal { $0.body = .bytes([1]) }.contains("no body"))
        #expect(
            try refusal {
                $0.method = "POST"
                $0.body = .bytes([UInt8](repeating: 0, count: 16 << 20 + 1))
            }.contains("larger"))
        #expect(
            try refusal {
                $0.method = "POST"
                $0.body = .file(descriptor: -1, offset: 0, length: 1)
            }.contains("not open"))
        #expect(try refusal { $0.destination = .init(descriptor: 99_999, offset: 0) }.contains("not open"))
        let readOnly = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(readOnly) }
        #expect(try refusal { $0.destination = .init(descriptor: readOnly, offset: 0) }.contains("for writing"))
        #expect(try refusal { $0.proxy = "https://127.0.0.1:1" }.contains("http://host:port"))
        #expect(try refusal { $0.proxy = "socks5://u:secret@127.0.0.1:1" }.contains("secret") == false)
        #expect(try refusal { $0.resumeValidator = "\"x\"" }.contains("no offset"))
        #expect(
            try refusal {
                $0.resumeOffset = 1
                $0.resumeValidator = "W/\"x\""
            }.contains("weak"))
        #expect(
            try refusal {
                $0.resumeOffset = 1
                $0.fields = [.init("range", "bytes=0-")]
            }.contains("of its own"))
    }
}
