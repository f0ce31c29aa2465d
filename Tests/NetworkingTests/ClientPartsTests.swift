import Testing

@testable import Networking

/// The client's pure parts.
@Suite struct ClientPartsTests {
    /// URLs and dates are read by libcurl.
    init() throws { if let reason = HTTPClient.unavailability { throw ClientBench.Failure(reason) } }

    private func read(_ lines: [String]) -> [AnswerHeadReader.Step] {
        var reader = AnswerHeadReader()
        return lines.map { line in Array(line.utf8).withUnsafeBytes { reader.take($0) } }
    }

    @Test func headIsPutTogetherFromItsLines() throws {
        let steps = read(["HTTP/1.1 200 OK\r\n", "A: b\r\n", "C:\r\n", "\t d\r\n", "a: second\r\n", "\r\n", "T: x\r\n"])
        guard case .head(let head) = steps[5] else { throw ClientBench.Failure("no head") }
        #expect(head.status == 200 && head.fields.count == 3)
        #expect(head.value(of: "a") == "b" && head.value(of: "c") == " d" && head.value(of: "t") == nil)
        #expect(steps.enumerated().allSatisfy { $0.offset == 5 || $0.element == .more })
        let lent = head.withFields { $0.map { String(decoding: $0.nameBytes, as: UTF8.self) } }
        #expect(lent == ["A", "C", "a"])
    }

    @Test func interimHeadsAreForgotten() throws {
        let steps = read(["HTTP/1.1 100 Continue\r\n", "X: y\r\n", "\r\n", "HTTP/1.1 204 None\r\n", "\r\n"])
        #expect(steps[2] == .more)
        #expect(steps[4] == .head(AnswerHead(status: 204)))
    }

    @Test(arguments: [
        ["HTTP/2 200\r\n"], ["\r\n"], ["HTTP/1.1 20\r\n"], ["HTTP/1.1 2x0 OK\r\n"],
        ["HTTP/1.1 200 OK\r\n", " fold\r\n"],
        ["HTTP/1.1 200 OK\r\n", ": x\r\n"], ["HTTP/1.1 200 OK\r\n", "A b: x\r\n"],
        ["HTTP/1.1 200 OK\r\n", "A: \(String(repeating: "x", count: 70_000))\r\n"],
    ])
    func brokenHeadIsRefused(lines: [String]) {
        guard case .refused = read(lines).last else {
            Issue.record("accepted: \(lines.map { $0.prefix(40) })")
            return
        }
    }

    @Test func lengthIsUnknownWhereTheBodyHasAnotherEnd() throws {
        func length(_ lines: [String]) throws -> UInt64? {
            guard case .head(let head) = read(["HTTP/1.1 200 OK\r\n"] + lines + ["\r\n"]).last else { return 0 }
            return head.contentLength
        }
        #expect(try length(["Content-Length: 5\r\n"]) == 5)
        #expect(try length(["Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n"]) == nil)
        #expect(try length(["Content-Length: five\r\n"]) == nil)
        #expect(try length(["Content-Length: 99999999999999999999999\r\n"]) == nil)
    }

    @Test func retryAfterIsASpanOfTimeInBothForms() {
        func result(_ fields: [String]) -> HTTPClientResult {
            guard case .head(let head) = read(["HTTP/1.1 503 Busy\r\n"] + fields + ["\r\n"]).last else {
                return HTTPClientResult(nil, nil, receivedBytes: 0, now: 0)
            }
            return HTTPClientResult(nil, head, receivedBytes: 0, now: 784_111_000)
        }
        #expect(result(["Retry-After: 120\r\n"]).retryAfter == 120_000_000_000)
        #expect(result(["Retry-After: 120\r\n"]).isWorthRetrying)
        #expect(result(["Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"]).retryAfter == 777_000_000_000)
        let relative = ["Date: Sun, 06 Nov 1994 08:49:30 GMT\r\n", "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n"]
        #expect(result(relative).retryAfter == 7_000_000_000)
        #expect(result(["Retry-After: Sun, 06 Nov 1904 08:49:37 GMT\r\n"]).retryAfter != 777)
        #expect(result(["Retry-After: soon\r\n"]).retryAfter == nil)
        #expect(result(["Retry-After: 99999999999999999999999\r\n"]).retryAfter == 365 * 86_400 * 1_000_000_000)
    }

    @Test func addressesAreComparedInTheirNormalForm() throws {
        let url = try HTTPURL("HTTPS://Example.COM:443/a/../b?c#d")
        #expect(url.text == "https://example.com:443/b?c" || url.text == "https://Example.COM:443/b?c")
        #expect(url.host == "example.com" && url.port == "443" && url.isSecure)
        #expect(url.hasOrigin(of: try HTTPURL("https://example.com/other")))
        #expect(!url.hasOrigin(of: try HTTPURL("http://example.com:443/")))
        #expect(!url.hasOrigin(of: try HTTPURL("https://example.com:444/")))
        #expect(try HTTPURL("//other/x", relativeTo: url).text == "https://other/x")
        #expect(try HTTPURL("http://[::1]:8080/").authority == "[::1]:8080")
    }
}
