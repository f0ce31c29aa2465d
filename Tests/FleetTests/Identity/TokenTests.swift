import Testing

@testable import Fleet

@Suite struct TokenTests {
    private static let authority = String(repeating: "0f", count: 32)

    private func token(_ server: String = "muster.example.org") throws -> EnrolmentToken {
        try EnrolmentToken(server: server, authority: Self.authority, secret: TokenSecret.make())
    }

    private func refusal(_ text: String) -> String {
        do {
            _ = try EnrolmentToken(text)
            return ""
        } catch { return error.reason }
    }

    @Test(arguments: [
        ("hq", "hq:50000"), ("hq:50000", "hq:50000"), ("hq:443", "hq:443"), ("192.0.2.7", "192.0.2.7:50000"),
        ("[2001:db8::7]:1", "[2001:db8::7]:1"), ("2001:db8::7", "[2001:db8::7]:50000"),
    ])
    func tokenIsReadAsItIsWritten(server: String, read: String) throws {
        let token = try token(server)
        let again = try EnrolmentToken("\(token)")
        #expect(again == token && again.server == read && again.authority == Self.authority)
        #expect(token.description.hasPrefix("muster-"))
        #expect(token.description.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
    }

    @Test func tokenIsShort() throws {
        #expect(try token("hq.example.org").description.count == 98)
    }

    @Test func blanksAndLineBreaksAreNoDamage() throws {
        let token = try token()
        var text = "  \(token)\n"
        text.insert(contentsOf: "\r\n    ", at: text.index(text.startIndex, offsetBy: 60))
        #expect(try EnrolmentToken(text) == token)
    }

    @Test func everyCutIsCalledOne() throws {
        let text = try token().description
        for missing in 1...(text.count - 7) {
            let said = refusal(String(text.dropLast(missing)))
            // Before the second byte nobody knows how much there should be.
            #expect(said.hasPrefix("the token is cut off: "), "\(missing): \(said)")
            if missing < text.count - 10 { #expect(said.contains(": \(missing) of its \(text.count) char"), "\(said)") }
        }
    }

    @Test func everyOtherCharacterIsFound() throws {
        let token = try token()
        let text = Array(token.description)
        for index in text.indices.dropFirst(7) {
            for other in ["A", "b", "-", "9"] where text[index] != Character(other) {
                var damaged = text
                damaged[index] = Character(other)
                let said = refusal(String(damaged))
                #expect(
                    ["the token is mistyped", "the token is cut off", "the token has"].contains(where: said.hasPrefix),
                    "\(index) \(other): \(said)")
                // All but the byte that says how long the server's text is.
                if index > 10 { #expect(said.hasPrefix("the token is mistyped: a character"), "\(index): \(said)") }
            }
        }
    }

    @Test func eachOtherDamageHasItsOwnSentence() throws {
        let text = try token().description
        #expect(refusal("").hasPrefix("that is not an enrolment token"))
        #expect(refusal("Muster" + text.dropFirst(6)).hasPrefix("that is not an enrolment token"))
        #expect(refusal("https://hq.example.org/").hasPrefix("that is not an enrolment token"))
        #expect(refusal("muster-" + String(repeating: "A", count: 5000)).hasPrefix("that is not an enrolment token"))
        #expect(refusal(text + text).hasPrefix("the token has \(text.count) characters more than it should"))
        #expect(refusal(text.dropLast() + "!").hasPrefix("the token is mistyped: it has a character that is none of"))
        #expect(refusal("muster-Ag" + text.dropFirst(9)).contains("another version of Muster"))
    }

    @Test(arguments: ["", "a b", "hq:0", "hq:65536", "hq:x", "[hq]:1", "[::1", "hq:1:2x", "a\u{0}b", "hq/", "user@hq"])
    func serverThatIsNoneIsRefused(server: String) {
        #expect(throws: FleetIdentityError.self) { try token(server) }
    }

    @Test func secretsAreRandomAndHashed() throws {
        let secrets = Set((0..<100).map { _ in TokenSecret.make() })
        #expect(secrets.count == 100 && secrets.allSatisfy { $0.count == 22 })
        let digest = TokenSecret.hash("abc").map { String($0, radix: 16) }
        #expect(digest.prefix(3) == ["ba", "78", "16"] && digest.count == 32)
        #expect(throws: FleetIdentityError.self) {
            try EnrolmentToken(server: "hq", authority: Self.authority, secret: "short")
        }
        #expect(throws: FleetIdentityError.self) {
            try EnrolmentToken(server: "hq", authority: "0f", secret: TokenSecret.make())
        }
    }

    @Test func profileKnowsTheDocumentedPorts() throws {
        var profile = FleetProfile(fleet: "example", server: "hq.example.org:50000")
        #expect(try "\(profile.sweepsAddress)" == "hq.example.org:50001")
        #expect(try "\(profile.pollsAddress)" == "hq.example.org:50002")
        profile.polls = "[::1]"
        #expect(try profile.pollsAddress == ServerAddress(host: "::1", port: 50_002))
        profile.sweeps = "other:7"
        #expect(try profile.sweepsAddress == ServerAddress(host: "other", port: 7))
    }
}
