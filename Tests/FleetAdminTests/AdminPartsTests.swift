import Fleet
import Testing

@testable import FleetAdmin

@Suite struct AdminPartsTests {
    @Test func textOfPeopleIsEscapedInAURL() {
        var call = AdminCall(.clients, "v1", "clients", "a/b?")
        call.query = [("where", "name=\"é\" and os<5"), ("after", nil), ("limit", "5")]
        #expect(
            call.url(at: ServerAddress(host: "::1", port: 9))
                == "https://[::1]:9/v1/clients/a%2Fb%3F?where=name%3D%22%C3%A9%22%20and%20os%3C5&limit=5")
    }

    @Test func anotherServerHasItsPortsInARow() {
        let access = AdminAccess(
            certificate: [], privateKey: [], authority: [], clients: ServerAddress(host: "a", port: 60_000))
        #expect(access.address(of: .sweeps) == ServerAddress(host: "a", port: 60_001))
        #expect(access.address(of: .polls) == ServerAddress(host: "a", port: 60_002))
    }

    @Test func aCertificateOutOfItsTimeIsFoundBeforeAnybodyIsAsked() {
        let (start, end) = (Timestamp(seconds: 1_000), Timestamp(seconds: 2_000))
        let access = AdminAccess(
            certificate: [], privateKey: [], authority: [], validity: start..<end,
            clients: ServerAddress(host: "a", port: 1))
        #expect(access.problem(at: Timestamp(seconds: 1_500)) == nil)
        #expect(access.problem(at: Timestamp(seconds: 999))?.kind == .clockSkew)
        let late = access.problem(at: Timestamp(seconds: 2_000))
        #expect(late?.kind == .certificate)
        #expect(late?.message.contains("1970-01-01T00:33:20") == true)
        #expect(throws: AdminFailure.self) { try AdminClient(access) }
    }

    @Test func whatTheServerSaysIsOneLineThatATerminalOnlyShows() {
        #expect(AdminFailure.sentence("a\u{1B}[2J\nb\u{202E}. ") == "a [2J b")
        #expect(AdminFailure.sentence(String(repeating: "a", count: 10_000)).count == 600)
    }

    @Test(arguments: Problem.Code.allCases) func everyRefusalIsOneSentence(code: Problem.Code) {
        let problem = Problem(
            400, code, "It is so.", column: 3, time: code == .clockSkew ? Timestamp(seconds: 0) : nil)
        let failure = AdminFailure(
            problem, selector: "os=", from: ServerAddress(host: "a", port: 1), at: Timestamp(seconds: 60))
        #expect(failure.message.contains("It is so") && !failure.message.hasSuffix("."))
        #expect(failure.selector?.column == 3)
        if code == .clockSkew { #expect(failure.message.contains("1970-01-01T00:00:00")) }
    }
}
