import NetworkTesting
import Testing

@testable import Networking

@Suite struct ClientResumeTests {
    private static let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 8) }

    /// Serves the content with parts, as long as If-Range names version 1.
    private func serving() throws -> ScriptedServer {
        try ScriptedServer { connection in
            while let head = try? connection.readHead() {
                let content = Self.content
                let start = ServerConnection.field("range", in: head)
                    .flatMap { Int($0.dropFirst("bytes=".count).dropLast()) }
                let validator = ServerConnection.field("if-range", in: head)
                guard let start, validator == nil || validator == "\"v1\"" else {
                    try connection.answer("200 OK", ["ETag: \"v1\""], body: content)
                    continue
                }
                guard start < content.count else {
                    try connection.answer("416 Range Not Satisfiable", ["Content-Range: bytes */\(content.count)"])
                    continue
                }
                try connection.answer(
                    "206 Partial Content",
                    ["Content-Range: bytes \(start)-\(content.count - 1)/\(content.count)", "ETag: \"v1\""],
                    body: Array(content[start...]))
            }
        }
    }

    private func resuming(
        _ server: ScriptedServer, _ file: ScratchFile, at offset: Int, _ validator: String
    ) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: server.url())
        request.resumeOffset = UInt64(offset)
        request.resumeValidator = validator
        request.destination = .init(descriptor: file.descriptor, offset: UInt64(offset))
        return request
    }

    @Test(arguments: ["\"v1\"", ""]) func restIsPutBehindWhatIsThere(validator: String) throws {
        let server = try serving()
        defer { server.stop() }
        let file = try ScratchFile(Array(Self.content.prefix(70_000)))
        let got = try ClientBench().fetch(resuming(server, file, at: 70_000, validator))
        #expect(got.code == .done && got.status == 206 && got.results.first?.receivedBytes == 130_000)
        #expect(file.bytes == Self.content)
    }

    @Test func contentThatHasChangedIsSaidPlainlyAndNothingIsWritten() throws {
        let server = try serving()
        defer { server.stop() }
        let file = try ScratchFile(Array("old".utf8))
        let got = try ClientBench().fetch(resuming(server, file, at: 3, "\"v0\""))
        #expect(got.code == .notResumed && got.heads.isEmpty && got.results.first?.isWorthRetrying == false)
        #expect(got.reason.contains("start over"))
        #expect(file.bytes == Array("old".utf8))
    }

    @Test func partBeyondTheEndIsAnAnswerLikeOthers() throws {
        let server = try serving()
        defer { server.stop() }
        let file = try ScratchFile(Self.content)
        let got = try ClientBench().fetch(resuming(server, file, at: 200_000, "\"v1\""))
        #expect(got.code == .done && got.status == 416)
        #expect(file.bytes == Self.content)
    }

    @Test(arguments: ["bytes 5-9/10", "bytes 0-9/10", "bytes 4-9", "bytes 4-3/10", "pages 4-9/10", "bytes 4-10/10", ""])
    func otherPartThanAskedForIsAnError(range: String) throws {
        let server = try ScriptedServer { connection in
            _ = try connection.readHead()
            try connection.answer(
                "206 Partial Content", range.isEmpty ? [] : ["Content-Range: \(range)"], text: "456789")
        }
        defer { server.stop() }
        let file = try ScratchFile(Array("0123".utf8))
        let got = try ClientBench().fetch(resuming(server, file, at: 4, ""))
        #expect(got.code == .protocolBroken && got.heads.isEmpty)
        #expect(file.bytes == Array("0123".utf8))
    }
}
