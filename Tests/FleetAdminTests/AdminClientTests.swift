import Fleet
import FleetAdmin
import FoundationEssentials
import Glibc
import Locks
import NetworkTesting
import Testing

/// What an administrator is told, over real TLS.
@Suite struct AdminClientTests {
    private let fleet: TestIssuer

    init() throws { fleet = try TestIssuer("Fleet") }

    /// What the request for the fleet's groups fails with.
    private func failure(_ client: AdminClient) throws -> AdminFailure {
        do throws(AdminFailure) {
            _ = try client.groups()
        } catch {
            return error
        }
        throw Missing()
    }

    private struct Missing: Error {}

    private static func row(_ name: String) -> ClientRow {
        ClientRow(
            id: .make(), name: name, group: "office", standing: .enrolled, isOnline: true, enrolledAt: .now())
    }

    // MARK: Answers

    @Test func aListIsReadPageByPage() throws {
        let rows = (0..<5).map { Self.row("pc\($0)") }
        let server = try ServerDouble(fleet) { request, connection in
            let after = request.query.contains("after=c2") ? 4 : request.query.contains("after=c1") ? 2 : 0
            let next = after == 0 ? "c1" : after == 2 ? "c2" : nil
            try connection.answer(json: Page(items: Array(rows[after..<min(after + 2, 5)]), next: next))
        }
        defer { server.stop() }
        #expect(try server.client().clients(where: "os=linux") == rows)
        #expect(server.requests.count == 3)
        #expect(server.requests.allSatisfy { $0.query.hasPrefix("where=os%3Dlinux") })
        #expect(try server.client().clients(where: nil, limit: 3) == Array(rows[..<3]))
    }

    @Test func aListWithoutEndIsNotReadForEver() throws {
        let server = try ServerDouble(fleet) { _, connection in
            try connection.answer(json: Page(items: [GroupRow(name: "a", clients: 1)], next: "same"))
        }
        defer { server.stop() }
        #expect(try failure(server.client()).kind == .notOurs)
        #expect(server.requests.count == 2)
    }

    @Test func anOrderGoesToItsComponentWithTheSelector() throws {
        let server = try ServerDouble(fleet) { request, connection in
            let order: JobOrder = try FleetJSON.decode(from: request.body)
            let job = Job(
                id: .make(), kind: "sweep", selector: order.selector, parameters: order.parameters ?? .null,
                notBefore: nil, deadline: order.deadline ?? .now(), maxRuntime: 1, createdBy: "", createdAt: .now())
            try connection.answer(json: job, status: "202 Accepted")
        }
        defer { server.stop() }
        let parameters = JSONValue.object(["paths": .array([.string("/home")])])
        let job = try server.client().order(.sweep, JobOrder(selector: "all", parameters: parameters))
        #expect(job.selector == "all" && job.parameters == parameters)
        #expect(server.requests.map(\.path) == ["POST /v1/sweeps"])
    }

    @Test func anAnswerWithoutContentIsTaken() throws {
        let server = try ServerDouble(fleet) { _, connection in
            try connection.write("HTTP/1.1 204 No Content\r\n\r\n")
        }
        defer { server.stop() }
        let id = TokenID.make()
        try server.client().deleteToken(id)
        #expect(server.requests.map(\.path) == ["DELETE /v1/tokens/\(id)"])
    }

    @Test func theResultsOfAJobKeepTheirKeys() throws {
        var coverage = SweepCoverage()
        coverage.timedOut = 3
        let sweep = SweepReport(
            paths: ["/"], startedAt: Timestamp(seconds: 1), finishedAt: Timestamp(seconds: 2), definitions: "41",
            isComplete: false, coverage: coverage, detections: [], detectionCount: 0)
        let value: JSONValue = try FleetJSON.decode(from: try FleetJSON.encode(sweep))
        let job = Job(
            id: .make(), kind: "sweep", selector: "all", parameters: .null, notBefore: nil,
            deadline: Timestamp(seconds: 9), maxRuntime: 1, createdBy: "", createdAt: Timestamp(seconds: 0))
        let rows = (0..<3).map { index in
            AssignmentRow(
                job: job.id, client: .make(), name: "pc\(index)", state: .succeeded, attempt: 1,
                since: Timestamp(seconds: 1), result: value)
        }
        let server = try ServerDouble(fleet) { request, connection in
            let isSecond = request.query.contains("after=x")
            let part = isSecond ? Array(rows[2...]) : Array(rows[..<2])
            try connection.answer(json: JobReport(job: job, rows: part, next: isSecond ? nil : "x"))
        }
        defer { server.stop() }
        let report = try server.client().report(of: job.id)
        #expect(report.rows == rows)
        let result = try #require(report.rows.first?.result)
        #expect(try FleetJSON.decode(SweepReport.self, from: try FleetJSON.encode(result)) == sweep)
    }

    // MARK: Refusals

    @Test func aSelectorThatCannotBeReadIsGivenBackWithItsColumn() throws {
        let server = try ServerDouble(fleet) { _, connection in
            try connection.answer(Problem(400, .selector, "There is no field called nmae.", column: 4))
        }
        defer { server.stop() }
        let client = try server.client()
        do throws(AdminFailure) {
            _ = try client.clients(where: "   nmae=x")
            Issue.record("it was answered")
        } catch {
            #expect(error.kind == .problem(.selector))
            #expect(error.message == "There is no field called nmae")
            #expect(error.selector?.text == "   nmae=x" && error.selector?.column == 4)
        }
    }

    @Test(arguments: [
        (401, Problem.Code.noCertificate, "wants a certificate of its fleet"), (403, .notAllowed, "You are a viewer"),
        (403, .revoked, "refused your identity"), (404, .unknownGroup, "You are a viewer"),
    ])
    func aRefusalSaysWhatAndWhatToDo(status: Int, code: Problem.Code, words: String) throws {
        let server = try ServerDouble(fleet) { _, connection in
            try connection.answer(Problem(status, code, "You are a viewer."))
        }
        defer { server.stop() }
        let failure = try failure(server.client())
        #expect(failure.kind == .problem(code) && failure.message.contains(words), "\(failure.message)")
        #expect(failure.advice != nil)
        #expect(server.requests.count == 1)
    }

    @Test func aRefusalOfALaterVersionIsStillSaid() throws {
        let server = try ServerDouble(fleet) { _, connection in
            try connection.answer(
                "400 Bad Request", ["Content-Type: application/problem+json"],
                text: "{\"status\":400,\"code\":\"of_tomorrow\",\"detail\":\"The moon is full.\"}")
        }
        defer { server.stop() }
        #expect(try failure(server.client()).message == "The moon is full")
    }

    @Test func whatTheServerAdvisesIsNotSaidTwice() throws {
        let server = try ServerDouble(fleet) { _, connection in
            try connection.answer(Problem(404, .unknownGroup, "No such group; `muster clients` shows them.", column: 7))
        }
        defer { server.stop() }
        let client = try server.client()
        do throws(AdminFailure) {
            _ = try client.clients(where: "group=x")
        } catch {
            #expect(error.advice == nil && error.selector?.column == 7)
        }
    }

    @Test(arguments: [Problem.Code.busy, .handingOver, .store, .unavailable])
    func whatCannotBeDoneJustNowIsAskedAgain(code: Problem.Code) throws {
        let server = try ServerDouble(fleet) { _, connection in
            try connection.answer(Problem(503, code, "Not now."), ["Retry-After: 0"])
        }
        defer { server.stop() }
        #expect(try failure(server.client()).message == "Not now")
        #expect(server.requests.count == 3)
    }

    @Test func aBusyServerIsAskedAgainAFewTimes() throws {
        let answers = Locked(0)
        let server = try ServerDouble(fleet) { _, connection in
            let number = answers.withLock { count in
                count += 1
                return count
            }
            if number < 3 {
                try connection.answer(Problem(503, .handingOver, "Handing over."), ["Retry-After: 9999"])
            } else {
                try connection.answer(json: Page(items: [GroupRow(name: "a", clients: 1)]))
            }
        }
        defer { server.stop() }
        #expect(try server.client().groups().count == 1)
        #expect(server.requests.count == 3)
        answers.withLock { $0 = -100 }
        let failure = try failure(server.client())
        #expect(failure.kind == .handingOver && failure.message == "Handing over")
        #expect(failure.retryAfter == 9999)
        #expect(server.requests.count == 6)
    }

    // MARK: Answers that are not ours

    @Test(arguments: [
        ("200 OK", "text/html", "<html>"), ("200 OK", "application/json", "{\"items\":[{\"na"),
        ("200 OK", "application/json", "{\"rows\":[]}"), ("404 Not Found", "text/html", "<html>"),
        ("302 Found", "text/html", ""), ("500 Internal Server Error", "application/problem+json", "{"),
    ])
    func anotherServersAnswerIsSaidToBeOne(status: String, type: String, text: String) throws {
        let server = try ServerDouble(fleet) { _, connection in
            try connection.answer(status, ["Content-Type: \(type)"], text: text)
        }
        defer { server.stop() }
        let failure = try failure(server.client())
        #expect(failure.kind == .notOurs && failure.message.contains("127.0.0.1:\(server.port)"), "\(failure.message)")
        #expect(!failure.message.contains("\n"))
    }

    @Test func anAnswerThatIsCutOffIsNotTaken() throws {
        let server = try ServerDouble(fleet) { _, connection in
            try connection.write(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{\"items\"")
            connection.reset()
            throw Missing()
        }
        defer { server.stop() }
        #expect(try failure(server.client()).kind == .unreachable)
    }

    // MARK: No way to the server

    @Test func aServerThatDoesNotListenIsUnreachable() throws {
        let access: AdminAccess
        do {
            let server = try ServerDouble(fleet) { _, _ in }
            defer { server.stop() }
            access = try server.access()
        }
        let failure = try failure(AdminClient(access))
        #expect(failure.kind == .unreachable)
        #expect(
            failure.message
                == "the company server cannot be reached at 127.0.0.1:\(access.clients.port): Connection refused")
        #expect(failure.advice?.contains("--server HOST:PORT") == true)
    }

    @Test func aNameWithoutAddressIsUnreachable() throws {
        let server = try ServerDouble(fleet) { _, _ in }
        defer { server.stop() }
        var access = try server.access()
        access.clients = ServerAddress(host: "nowhere.invalid", port: 50_000)
        let failure = try failure(AdminClient(access))
        #expect(failure.kind == .unreachable && failure.message.contains("nowhere.invalid:50000"))
    }

    // MARK: Certificates

    @Test func anotherPeerGetsNothing() throws {
        let server = try ServerDouble(fleet, names: ["URI:muster:client/0a1b", "DNS:localhost", "IP:127.0.0.1"]) {
            _, _ in
        }
        defer { server.stop() }
        let failure = try failure(server.client())
        #expect(failure.kind == .wrongPeer)
        #expect(failure.message.contains("is not the fleet's server") && failure.message.contains("muster:client/0a1b"))
        #expect(server.requests.isEmpty)
    }

    @Test func aServerOfAnotherFleetGetsNothing() throws {
        let server = try ServerDouble(try TestIssuer("Other"), clientAuthority: fleet) { _, _ in }
        defer { server.stop() }
        let identity = try fleet.issue(["URI:muster:admin/anna?role=admin"])
        let client = try AdminClient(
            AdminAccess(
                certificate: Array(identity.certificate), privateKey: Array(identity.privateKey),
                authority: Array(fleet.certificate), clients: ServerAddress(host: "127.0.0.1", port: server.port)))
        let failure = try failure(client)
        #expect(
            failure.kind == .certificate && failure.message.contains("belongs to another fleet"), "\(failure.message)")
        #expect(server.requests.isEmpty)
    }

    @Test(arguments: [
        (-9 ... -3, AdminFailure.Kind.certificate, "has expired"), (3...9, .clockSkew, "is not valid yet"),
    ])
    func aServersCertificateOutOfItsTimeIsSaid(
        days: ClosedRange<Int>, kind: AdminFailure.Kind, words: String
    ) throws {
        let server = try ServerDouble(fleet, days: days) { _, _ in }
        defer { server.stop() }
        let failure = try failure(server.client())
        #expect(failure.kind == kind && failure.message.contains(words), "\(failure.message)")
        #expect(failure.message.contains("this machine's clock says"))
    }

    @Test func anExpiredCertificateOfOursIsNamedAsSuch() throws {
        let server = try ServerDouble(fleet) { _, _ in }
        defer { server.stop() }
        let failure = try failure(server.client(days: -9 ... -3))
        #expect(
            failure.kind == .certificate && failure.message.contains("takes your certificate for expired"),
            "\(failure.message)")
    }

    @Test func aCertificateOfAnotherFleetIsNamedAsSuch() throws {
        let server = try ServerDouble(fleet) { _, _ in }
        defer { server.stop() }
        let failure = try failure(server.client(issuer: try TestIssuer("Other")))
        #expect(
            failure.kind == .certificate && failure.message.contains("does not know the authority"),
            "\(failure.message)")
    }

    @Test func anIdentityThatCannotBeReadIsSaidBeforeAnythingIsSent() throws {
        let server = try ServerDouble(fleet) { _, _ in }
        defer { server.stop() }
        var access = try server.access()
        access.privateKey = Array("nonsense".utf8)
        let failure = try failure(AdminClient(access))
        #expect(failure.kind == .identity && failure.message.contains("private key"), "\(failure.message)")
    }
}
