import Testing

@testable import Networking

@Suite struct StrictnessTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var request: String
        var status: Int
        var testDescription: String { name }

        init(_ name: String, _ request: String, _ status: Int) {
            self.name = name
            self.request = request
            self.status = status
        }
    }

    static let host = "Host: example.org\r\n"
    static let refused: [Case] = [
        Case("no Host", "GET / HTTP/1.1\r\n\r\n", 400),
        Case("two Hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        Case("two Hosts in 1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        Case("empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        Case("Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        Case("Host with userinfo", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
        Case("Host with a bad port", "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400),
        Case("Host with a worded port", "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n", 400),
        Case("Host with a bad escape", "GET / HTTP/1.1\r\nHost: a%2\r\n\r\n", 400),
        Case("Host with an open bracket", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400),
        Case(
            "two lengths that differ", "POST / HTTP/1.1\r\n\(host)Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400
        ),
        Case("the same length twice", "POST / HTTP/1.1\r\n\(host)Content-Length: 1\r\nContent-Length: 1\r\n\r\na", 400),
        Case("a list of lengths", "POST / HTTP/1.1\r\n\(host)Content-Length: 1, 1\r\n\r\na", 400),
        Case("a signed length", "POST / HTTP/1.1\r\n\(host)Content-Length: +1\r\n\r\na", 400),
        Case("a length in hexadecimal", "POST / HTTP/1.1\r\n\(host)Content-Length: 0x1\r\n\r\na", 400),
        Case("an empty length", "POST / HTTP/1.1\r\n\(host)Content-Length:\r\n\r\na", 400),
        Case("an overflowing length", "POST / HTTP/1.1\r\n\(host)Content-Length: 99999999999999999999\r\n\r\na", 400),
        Case(
            "length, then coding",
            "POST / HTTP/1.1\r\n\(host)Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        Case(
            "coding, then length",
            "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n0\r\n\r\n", 400),
        Case("a coding that is not chunked", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: gzip\r\n\r\n", 400),
        Case("gzip before chunked", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
        Case(
            "chunked twice",
            "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        Case(
            "chunked in a list with identity",
            "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n", 400),
        Case("a hidden coding", "POST / HTTP/1.1\r\n\(host)Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
        Case("chunked in 1.0", "POST / HTTP/1.0\r\n\(host)Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        Case("bare LF after the line", "GET / HTTP/1.1\n\(host)\r\n", 400),
        Case("bare LF after a field", "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n", 400),
        Case("bare LF at the end of the head", "GET / HTTP/1.1\r\nHost: a\r\n\nX", 400),
        Case("bare CR in the head", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400),
        Case("a folded line", "GET / HTTP/1.1\r\n\(host)X: a\r\n b\r\n\r\n", 400),
        Case("a line folded at once", "GET / HTTP/1.1\r\n\(host)X:\r\n b\r\n\r\n", 400),
        Case("a blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400),
        Case("a blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        Case("a tab before the colon", "GET / HTTP/1.1\r\nHost\t: a\r\n\r\n", 400),
        Case("a field without a name", "GET / HTTP/1.1\r\n\(host): x\r\n\r\n", 400),
        Case("a field without a colon", "GET / HTTP/1.1\r\n\(host)X\r\n\r\n", 400),
        Case("a name with a bracket", "GET / HTTP/1.1\r\n\(host)X[: y\r\n\r\n", 400),
        Case("NUL in a value", "GET / HTTP/1.1\r\n\(host)X: a\0b\r\n\r\n", 400),
        Case("a control byte in a value", "GET / HTTP/1.1\r\n\(host)X: a\u{1}b\r\n\r\n", 400),
        Case("DEL in a value", "GET / HTTP/1.1\r\n\(host)X: a\u{7f}b\r\n\r\n", 400),
        Case("an unknown method", "FROB / HTTP/1.1\r\n\(host)\r\n", 400),
        Case("a method in lower case", "get / HTTP/1.1\r\n\(host)\r\n", 400),
        Case("two blanks after the method", "GET  / HTTP/1.1\r\n\(host)\r\n", 400),
        Case("two blanks after the target", "GET /  HTTP/1.1\r\n\(host)\r\n", 400),
        Case("a target with a blank", "GET /a b HTTP/1.1\r\n\(host)\r\n", 400),
        Case("a target without a slash", "GET a HTTP/1.1\r\n\(host)\r\n", 400),
        Case("a target with a fragment", "GET /a#b HTTP/1.1\r\n\(host)\r\n", 400),
        Case("a target with a control byte", "GET /a\u{1} HTTP/1.1\r\n\(host)\r\n", 400),
        Case("a target beyond ASCII", "GET /\u{e9} HTTP/1.1\r\n\(host)\r\n", 400),
        Case("an asterisk for GET", "GET * HTTP/1.1\r\n\(host)\r\n", 400),
        Case("another scheme", "GET ftp://a/ HTTP/1.1\r\n\(host)\r\n", 400),
        Case("an absolute target without a host", "GET http:///a HTTP/1.1\r\n\(host)\r\n", 400),
        Case("an absolute target with userinfo", "GET http://u@a/ HTTP/1.1\r\n\(host)\r\n", 400),
        Case("an absolute target without Host", "GET http://a/ HTTP/1.1\r\n\r\n", 400),
        Case("RTSP", "OPTIONS / RTSP/1.0\r\n\(host)\r\n", 400),
        Case("no version", "GET /\r\n\(host)\r\n", 505),
        Case("HTTP/2.0", "GET / HTTP/2.0\r\n\(host)\r\n", 505),
        Case("HTTP/0.9", "GET / HTTP/0.9\r\n\(host)\r\n", 505),
        Case("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        Case("a version with two digits", "GET / HTTP/1.10\r\n\(host)\r\n", 400),
        Case("CONNECT", "CONNECT a:443 HTTP/1.1\r\n\(host)\r\n", 501),
        Case("an unknown expectation", "POST / HTTP/1.1\r\n\(host)Expect: magic\r\nContent-Length: 1\r\n\r\n", 417),
        Case("TLS on a plain port", "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0", 400),
    ]

    @Test(arguments: refused)
    func refusesAndClosesWithoutCallingTheHandler(_ refused: Case) throws {
        let server = try TestServer()
        defer { server.stop() }
        let client = try server.connect()
        try client.send(refused.request)
        let answer = try client.answer()
        #expect(answer.status == refused.status)
        #expect(answer.field("Connection") == "close")
        #expect(answer.field("Content-Type") == "text/plain; charset=utf-8")
        #expect(answer.body.hasPrefix("\(refused.status) "))
        #expect(client.isAtEnd())
        #expect(server.handler.events.isEmpty)
    }

    @Test(arguments: [
        Case("plain", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        Case("an empty line before it", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        Case("a later minor", "GET / HTTP/1.7\r\nHost: a\r\n\r\n", 200),
        Case("1.0 without Host", "GET / HTTP/1.0\r\n\r\n", 200),
        Case("Host with IPv6 and port", "GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", 200),
        Case("Host with an empty port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", 200),
        Case(
            "an upgrade that is not offered",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", 200),
        Case("bytes beyond ASCII in a value", "GET / HTTP/1.1\r\nHost: a\r\nX: \u{e9}\r\n\r\n", 200),
        Case("an expectation in 1.0", "POST / HTTP/1.0\r\nExpect: magic\r\nContent-Length: 1\r\n\r\na", 200),
        Case("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        Case("Chunked in capitals", "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n0\r\n\r\n", 200),
        Case("a length of nothing", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 200),
    ])
    func acceptsWhatIsLawful(_ accepted: Case) throws {
        let server = try TestServer()
        defer { server.stop() }
        #expect(try server.exchange(accepted.request).status == accepted.status)
    }

    @Test func handlerSeesTheRequestAsSent() throws {
        let server = try TestServer()
        defer { server.stop() }
        _ = try server.exchange(
            "GET /a?b=c HTTP/1.1\r\nhOsT: Example.org:81\r\nX-One:  two words \t\r\nX-Empty:\r\n\r\n")
        let seen = try #require(server.handler.requests.first)
        #expect(seen.method == "GET")
        #expect(seen.target == "/a?b=c")
        #expect(seen.authority == "Example.org:81")
        #expect(seen.version == 11)
        #expect(!seen.hasBody)
        #expect(seen.fields == ["hOsT: Example.org:81", "X-One: two words", "X-Empty: "])
        #expect(seen.peer.hasPrefix("127.0.0.1:"))
    }

    @Test(arguments: [
        ("http://other.example:8080/p?q", "/p?q", "other.example:8080"), ("HTTP://a", "/", "a"),
        ("https://a?x=/y", "/?x=/y", "a"),
    ])
    func absoluteTargetLosesSchemeAndHost(_ target: String, _ origin: String, _ authority: String) throws {
        let server = try TestServer()
        defer { server.stop() }
        _ = try server.exchange("GET \(target) HTTP/1.1\r\nHost: ignored\r\n\r\n")
        #expect(server.handler.requests.map(\.target) == [origin])
        #expect(server.handler.requests.map(\.authority) == [authority])
    }

    @Test func absoluteTargetWithoutPathIsAsteriskForOptions() throws {
        let server = try TestServer()
        defer { server.stop() }
        _ = try server.exchange("OPTIONS http://a HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(server.handler.requests.map(\.target) == ["*"])
    }
}
