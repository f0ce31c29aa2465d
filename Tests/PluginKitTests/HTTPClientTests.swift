import Glibc
import MusterABI
@testable import PluginKit
import PluginTesting
import Synchronization
import Testing

/// Fetching as a Swift plugin does it, over the fake host's table.
@Suite struct HTTPClientTests {
    private func pair(missing: Set<String> = []) throws -> (FakeHost, Host) {
        let fake = FakeHost(PluginEntry.manifest(of: Sampler.self), missing: missing)
        var seen: Host?
        fake.withHostTable { seen = (try? HostLink($0)).map(Host.init) }
        return (fake, try #require(seen))
    }

    /// The transfer with this index, once it was started.
    private func started(_ fake: FakeHost, _ index: Int = 0) async throws -> FakeTransfer {
        for _ in 0..<20_000 {
            if fake.transfers.count > index { return fake.transfers[index] }
            try await Task.sleep(for: .milliseconds(1))
        }
        throw PluginError("nothing was started")
    }

    private func file(_ content: String = "") throws -> (OpenFile, Path) {
        var path = Array("/tmp/plugin-client-XXXXXX\0".utf8CString)
        let descriptor = mkstemp(&path)
        _ = pwrite(descriptor, content, content.utf8.count, 0)
        return (
            OpenFile(owning: descriptor),
            Path(String(decoding: path.prefix { $0 != 0 }.map { UInt8($0) }, as: UTF8.self))
        )
    }

    @Test func hostIsNotAskedForTheClientBeforeItIsWanted() throws {
        let (fake, host) = try pair()
        #expect(!fake.extensionsAsked.contains(MUSTER_EXT_HTTP_CLIENT))
        _ = try host.httpClient()
        #expect(fake.extensionsAsked.contains(MUSTER_EXT_HTTP_CLIENT))
    }

    @Test func hostWithoutAClientIsSaidByName() throws {
        let (fake, host) = try pair(missing: [MUSTER_EXT_HTTP_CLIENT])
        let error = #expect(throws: PluginError.self) { try host.httpClient() }
        withExtendedLifetime(fake) {}
        #expect(error?.message.contains("muster.http-client/1") == true && error?.kind == .unsupported)
    }

    @Test func everyPartOfARequestArrives() async throws {
        let (fake, host) = try pair()
        let client = try host.httpClient()
        var request = HTTPRequest(
            "https://server/jobs", method: "POST", headers: ["X-One": "1"], body: .bytes(Array("body".utf8)),
            tls: .init(
                expecting: "muster:server", authority: [1, 2, 3], identity: .init(certificate: [1], privateKey: [1, 2]))
        )
        request.proxy = "http://proxy:1"
        request.redirectLimit = 4
        request.connectTimeout = .seconds(1)
        request.stallTimeout = .zero
        request.totalTimeout = .milliseconds(5)
        request.bandwidthLimit = 2048
        let wanted = request
        async let answer = client.send(wanted, upTo: 100)
        let seen = try await started(fake)
        #expect(seen.method == "POST" && seen.url == "https://server/jobs" && seen.body == Array("body".utf8))
        #expect(seen.headers.map(\.name) == ["X-One"] && seen.expectedPeer == "muster:server")
        #expect(seen.credentials == [1, 2, 3] && seen.proxy == "http://proxy:1" && seen.redirectLimit == 4)
        #expect(seen.timeouts == [1_000_000_000, 1, 5_000_000])
        #expect(seen.bodyLimit == 100 && seen.bandwidthLimit == 2048 && seen.destinationOffset == nil)
        fake.sendHead(seen.number, status: 503, headers: [("Retry-After", "3")], length: 4)
        fake.sendPiece(seen.number, Array("ab".utf8))
        fake.sendPiece(seen.number, Array("cd".utf8))
        fake.endTransfer(
            seen.number, status: 503, receivedBytes: 4, retryAfter: 3_000_000_000, date: 7, retry: true)
        let got = try await answer
        #expect(got.status == 503 && got.text == "abcd" && got.head.header("retry-after") == "3")
        #expect(got.head.contentLength == 4 && got.head.url == "https://server/jobs")
        #expect(got.end.isWorthRetrying && got.end.retryAfter == .seconds(3) && got.end.date == 7)
        #expect(got.end.failure == nil)
    }

    @Test func failureIsThrownWithItsCause() async throws {
        let (fake, host) = try pair()
        let client = try host.httpClient()
        for (index, (code, cause)) in [
            (MUSTER_HTTP_WRONG_PEER, HTTPClientError.Cause.wrongPeer), (MUSTER_HTTP_TLS_FAILED, .tlsFailed),
            (MUSTER_HTTP_STALLED, .stalled), (MUSTER_HTTP_FILE_FAILED, .fileFailed), (4711, .other),
        ].enumerated() {
            let answer = Task { try await client.send(HTTPRequest("http://a/")) }
            let seen = try await started(fake, index)
            fake.endTransfer(seen.number, code, reason: "Because.", systemError: ENOSPC, retry: true)
            let error = await #expect(throws: HTTPClientError.self) { _ = try await answer.value }
            #expect(
                error
                    == HTTPClientError(cause, "Because.", systemError: ENOSPC, isWorthRetrying: true))
        }
    }

    @Test(arguments: [
        (MUSTER_INVALID, HTTPClientError.Cause.invalid), (MUSTER_BUSY, .busy), (MUSTER_WRONG_STATE, .stopped),
        (MUSTER_FAILED, .other),
    ])
    func refusalIsThrownAtOnce(status: muster_status, cause: HTTPClientError.Cause) async throws {
        let (fake, host) = try pair()
        fake.refuseTransfers(with: status)
        let client = try host.httpClient()
        let error = await #expect(throws: HTTPClientError.self) { try await client.send(HTTPRequest("http://a/")) }
        #expect(error?.cause == cause && error?.isWorthRetrying == (cause == .busy))
        withExtendedLifetime(fake) {}
    }

    @Test func cancelledTaskCancelsItsTransfer() async throws {
        let (fake, host) = try pair()
        let client = try host.httpClient()
        let task = Task { try await client.send(HTTPRequest("http://a/")) }
        let seen = try await started(fake)
        task.cancel()
        for _ in 0..<20_000 where !fake.transfers[0].isCancelled { try await Task.sleep(for: .milliseconds(1)) }
        #expect(fake.transfers[0].isCancelled)
        fake.endTransfer(seen.number, MUSTER_HTTP_CANCELLED)
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        // Before it began: nothing is started.
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await client.send(HTTPRequest("http://a/"))
        }
        late.cancel()
        await #expect(throws: CancellationError.self) { _ = try await late.value }
        #expect(fake.transfers.count == 1)
    }

    @Test func downloadGoesToItsFileAndResumes() async throws {
        let (fake, host) = try pair()
        let client = try host.httpClient()
        let (open, path) = try file("old content that is longer")
        defer { unlink(path.string) }
        async let whole = client.download(HTTPRequest("http://a/"), to: path)
        var seen = try await started(fake)
        #expect(seen.destinationOffset == 0 && seen.resumeOffset == 0)
        fake.sendHead(seen.number)
        fake.sendPiece(seen.number, Array("new".utf8), toFile: true)
        fake.endTransfer(seen.number, status: 200, receivedBytes: 3)
        #expect(try await whole.end.receivedBytes == 3)
        #expect(try open.read(100, at: 0) == Array("new".utf8))

        async let rest = client.download(HTTPRequest("http://a/"), to: path, resuming: "\"v1\"")
        seen = try await started(fake, 1)
        #expect(seen.destinationOffset == 3 && seen.resumeOffset == 3 && seen.resumeValidator == "\"v1\"")
        fake.sendHead(seen.number, status: 206)
        fake.sendPiece(seen.number, Array("er".utf8), toFile: true)
        fake.endTransfer(seen.number, status: 206, receivedBytes: 2)
        #expect(try await rest.status == .partialContent)
        #expect(try open.read(100, at: 0) == Array("newer".utf8))
    }

    @Test func downloadStartsOverWhereTheContentHasChanged() async throws {
        let (fake, host) = try pair()
        let client = try host.httpClient()
        let (open, path) = try file("older")
        defer { unlink(path.string) }
        async let answer = client.download(HTTPRequest("http://a/"), to: path, resuming: "\"v1\"")
        let first = try await started(fake)
        fake.endTransfer(first.number, MUSTER_HTTP_NOT_RESUMED, reason: "It has changed.")
        let second = try await started(fake, 1)
        #expect(second.resumeOffset == 0 && second.resumeValidator.isEmpty && second.destinationOffset == 0)
        fake.sendHead(second.number)
        fake.sendPiece(second.number, Array("x".utf8), toFile: true)
        fake.endTransfer(second.number, status: 200, receivedBytes: 1)
        _ = try await answer
        #expect(try open.read(100, at: 0) == Array("x".utf8))
    }

    @Test func otherAnswerThanTheContentLeavesTheFileAlone() async throws {
        let (fake, host) = try pair()
        let client = try host.httpClient()
        let (open, path) = try file("kept")
        defer { unlink(path.string) }
        async let answer = client.download(HTTPRequest("http://a/"), to: path)
        let seen = try await started(fake)
        fake.sendHead(seen.number, status: 404)
        fake.sendPiece(seen.number, [UInt8](repeating: 65, count: 50_000))
        fake.sendPiece(seen.number, [UInt8](repeating: 66, count: 50_000))
        fake.endTransfer(seen.number, status: 404, receivedBytes: 100_000)
        let got = try await answer
        #expect(got.status == .notFound && got.body.count == 64 << 10)
        #expect(try open.read(100, at: 0) == Array("kept".utf8))
        await #expect(throws: SystemError.self) {
            try await client.download(HTTPRequest("http://a/"), to: "/nonexistent/file")
        }
    }

    private final class Recorder: HTTPTransferHandler {
        let seen = Mutex<[String]>([])

        func took(_ head: HTTPAnswerHead, _ transfer: HTTPTransfer) {
            seen.withLock { $0.append("head \(head.status.rawValue)") }
            transfer.pause()
        }

        func took(_ piece: Span<UInt8>, _ transfer: HTTPTransfer) {
            let count = piece.count
            seen.withLock { $0.append("piece \(count)") }
        }

        func ended(_ end: HTTPTransferEnd, _ transfer: HTTPTransfer) {
            let text = end.failure.map { "\($0.cause)" } ?? "done"
            seen.withLock { $0.append(text) }
        }
    }

    @Test func handlerTakesTheAnswerInOrderAndSteersIt() throws {
        let (fake, host) = try pair()
        let recorder = Recorder()
        let transfer = try host.httpClient().start(HTTPRequest("http://a/"), with: recorder)
        let number = fake.transfers[0].number
        fake.sendHead(number)
        #expect(fake.transfers[0].isPaused)
        transfer.resume()
        #expect(!fake.transfers[0].isPaused)
        fake.sendPiece(number, [1, 2])
        transfer.cancel()
        #expect(fake.transfers[0].isCancelled)
        fake.endTransfer(number, MUSTER_HTTP_CANCELLED)
        transfer.cancel()
        #expect(recorder.seen.withLock { $0 } == ["head 200", "piece 2", "cancelled"])
    }

    @Test func nothingIsStartedOrSteeredAfterTheEnd() throws {
        let (fake, host) = try pair()
        let client = try host.httpClient()
        let transfer = try client.start(HTTPRequest("http://a/"), with: Recorder())
        host.link.enter(.stopped)
        transfer.cancel()
        #expect(!fake.transfers[0].isCancelled)
        let error = #expect(throws: HTTPClientError.self) {
            try client.start(HTTPRequest("http://a/"), with: Recorder())
        }
        #expect(error?.cause == .stopped)
        #expect(throws: PluginError.self) { try host.httpClient() }
    }
}
