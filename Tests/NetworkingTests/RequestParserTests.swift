import Testing

@testable import Networking

@Suite struct RequestParserTests {
    /// What came out, in words; pieces of body joined.
    private func events(_ input: [UInt8], cut: Int, limits: HTTPLimits = HTTPLimits()) -> [String] {
        let parser = RequestParser(limits: limits)
        let head = HTTPRequestHead()
        parser.head = head
        var found: [String] = []
        var body = ""
        for part in [input[..<cut], input[cut...]] {
            var rest = Array(part)
            while !rest.isEmpty || parser.endIsDue {
                let (words, consumed) = rest.withUnsafeBytes { bytes -> (String?, Int) in
                    let (event, consumed) = parser.next(bytes)
                    switch event {
                    case .needMore: return (nil, consumed)
                    case .head:
                        head.seal(peer: [])
                        let fields = head.fields.map {
                            "\(String(decoding: $0.nameBytes, as: UTF8.self))=\(String(decoding: $0.valueBytes, as: UTF8.self))"
                        }
                        let target = String(decoding: head.target, as: UTF8.self)
                        let method = String(decoding: head.method, as: UTF8.self)
                        return ("\(method) \(target) \(fields) \(head.hasBody)", consumed)
                    case .body(let piece):
                        body += String(decoding: piece, as: UTF8.self)
                        return (nil, consumed)
                    case .end:
                        defer { body = "" }
                        return ("body \(body)", consumed)
                    case .violation(let violation): return ("\(violation.status)", consumed)
                    }
                }
                if let words { found.append(words) }
                rest.removeFirst(consumed)
            }
        }
        return found
    }

    @Test func everySplitGivesTheSameRequests() {
        let text =
            "\r\nPOST /a?b HTTP/1.1\r\nHost: x.example\r\nX-Long-Name:   some value  \r\nX-Empty: \r\nContent-Length: 5\r\n\r\nhello"
            + "GET http://y/z HTTP/1.1\r\nHost: y\r\n\r\n"
            + "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n"
            + "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
            + "GET / HTTP/1.1\r\n\r\n"
        let input = Array(text.utf8)
        let expected = [
            #"POST /a?b ["Host=x.example", "X-Long-Name=some value", "X-Empty=", "Content-Length=5"] true"#,
            "body hello",
            #"GET /z ["Host=y"] false"#, #"POST / ["Host=x", "Transfer-Encoding=chunked"] true"#, "body abcde",
            #"GET / ["Host=x", "Content-Length=0"] false"#, "400",
        ]
        for cut in 0...input.count { #expect(events(input, cut: cut) == expected, "cut at \(cut)") }
    }

    @Test func bodyOfKnownLengthEndsWithItsLastByte() {
        let input = Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab".utf8)
        for cut in 0...input.count { #expect(events(input, cut: cut).last == "body ab", "cut at \(cut)") }
    }

    @Test func violationIsFoundWhereverTheBytesAreCut() {
        for refused in StrictnessTests.refused {
            let input = Array(refused.request.utf8)
            for cut in 0...input.count {
                #expect(events(input, cut: cut) == ["\(refused.status)"], "\(refused.name), cut at \(cut)")
            }
        }
    }

    @Test func randomBytesNeverTrap() {
        var random = SystemRandomNumberGenerator()
        let seeds = StrictnessTests.refused.map(\.request) + ["GET / HTTP/1.1\r\nHost: a\r\n\r\n"]
        for _ in 0..<5000 {
            var input = Array((seeds.randomElement(using: &random) ?? "").utf8)
            for _ in 0..<Int.random(in: 1...4, using: &random) where !input.isEmpty {
                input[Int.random(in: 0..<input.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            let found = events(input, cut: Int.random(in: 0...input.count, using: &random))
            // After a refusal nothing more comes.
            #expect(found.dropLast().allSatisfy { Int($0) == nil })
        }
    }
}
