import Fleet
import Foundation
import Locks
import NetworkTesting
import Testing

/// The commands as an administrator runs them: what they ask, what they print where, and how they exit.
@Suite struct CommandTests {
    /// A job that is over as soon as it is ordered, or never.
    private struct Served: Sendable {
        var kind = "poll"
        var states: [AssignmentState] = [.succeeded]
        var result: JSONValue?
        let id = JobID.make()

        var counts: AssignmentCounts { states.reduce(into: AssignmentCounts()) { $0[$1] += 1 } }

        func job(_ selector: String) -> Job {
            Job(
                id: id, kind: kind, selector: selector, parameters: .null, notBefore: nil, deadline: .now(),
                maxRuntime: 60, createdBy: "muster:admin/anna?role=admin", createdAt: .now(),
                finishedAt: counts.isFinished ? .now() : nil, counts: counts)
        }

        @Sendable func answer(_ request: ServerDouble.Request, _ connection: ServerConnection) throws {
            if request.line.hasPrefix("POST") {
                let order: JobOrder = try FleetJSON.decode(from: request.body)
                return try connection.answer(json: job(order.selector), status: "202 Accepted")
            }
            guard request.path.hasSuffix("/events") else {
                let rows = states.enumerated().map { index, state in
                    AssignmentRow(
                        job: id, client: .make(), name: "pc\(index)", state: state, attempt: 1, since: .now(),
                        result: result)
                }
                return try connection.answer(json: JobReport(job: job("all"), rows: rows))
            }
            let event = try FleetJSON.encode(JobEvent(job: id, kind: kind, counts: counts))
            let name = counts.isFinished ? "end" : "counts"
            try connection.beginEvents()
            try connection.send(chunk: "event: \(name)\ndata: \(String(decoding: event, as: UTF8.self))\n\n")
            if counts.isFinished { try connection.endChunks() } else { connection.waitForClose() }
        }
    }

    private static func sweep(_ detections: Int, isComplete: Bool = true) throws -> JSONValue {
        let found = (0..<detections).map { index in
            Detection(path: "/home/\(index)", threat: "Eicar", severity: .high, sha256: "00", size: 68)
        }
        let report = SweepReport(
            paths: ["/"], startedAt: .now(), finishedAt: .now(), definitions: "41", isComplete: isComplete,
            reasons: isComplete ? [] : ["/mnt was not readable."], coverage: SweepCoverage(), detections: found,
            detectionCount: detections)
        return try FleetJSON.decode(from: try FleetJSON.encode(report))
    }

    // MARK: Exit codes of --wait

    private static let polls: [([AssignmentState], Int32)] = [
        ([.succeeded, .succeeded], 0), ([.succeeded, .failed], 2), ([.expired], 2), ([.cancelled, .succeeded], 2),
    ]

    @Test(arguments: polls)
    func aPollExitsWithWhatCameOfIt(states: [AssignmentState], status: Int32) throws {
        let fleet = try CommandFleet(answer: Served(states: states).answer)
        let outcome = try fleet.run("poll", "--all", "--wait")
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.output.hasPrefix("CLIENT  STATE"))
        #expect(outcome.output.contains("\(states.count) client"))
    }

    private static let sweeps: [(Int, Bool, Int32)] = [(0, true, 0), (2, true, 1), (2, false, 1), (0, false, 2)]

    @Test(arguments: sweeps)
    func aSweepExitsWithWhatWasFound(detections: Int, isComplete: Bool, status: Int32) throws {
        let result = try Self.sweep(detections, isComplete: isComplete)
        let fleet = try CommandFleet(answer: Served(kind: "sweep", result: result).answer)
        let outcome = try fleet.run("sweep", "--group", "office", "--path", "/home", "--wait")
        #expect(outcome.status == status, "\(outcome.errors)")
        #expect(outcome.output.contains("/home/1") == (detections > 0))
        #expect(outcome.output.contains("/mnt was not readable.") != isComplete)
        let order: JobOrder = try FleetJSON.decode(from: try #require(fleet.server.requests.first).body)
        #expect(order.selector == "group=office")
        #expect(order.parameters?["paths"] == .array([.string("/home")]))
    }

    @Test func jsonAloneGoesToTheStandardOutput() throws {
        let served = Served(states: [.succeeded, .failed])
        let outcome = try CommandFleet(answer: served.answer).run("poll", "--all", "--wait", "--json")
        let report: JobReport = try FleetJSON.decode(from: outcome.output.utf8)
        #expect(report.job.id == served.id && report.rows.count == 2)
        #expect(outcome.status == 2)
    }

    @Test func interruptedTheJobGoesOnAndItIsSaidHowToGetBackToIt() throws {
        let served = Served(states: [.running, .queued])
        let fleet = try CommandFleet(answer: served.answer)
        let outcome = try fleet.run(
            "poll", "--all", "--wait", interrupts: { fleet.server.requests.contains { $0.path.hasSuffix("/events") } })
        #expect(outcome.status == 130)
        #expect(outcome.errors.contains("`muster jobs \(served.id) --watch` watches it"))
        #expect(outcome.output.isEmpty)
        #expect(!fleet.server.requests.contains { $0.line.hasPrefix("DELETE") })
    }

    @Test func withoutWaitingTheIDComesFirst() throws {
        let served = Served(states: [.queued])
        let outcome = try CommandFleet(answer: served.answer).run("poll", "--client", "pc 1")
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("\(served.id)\nOrdered for 1 client. "))
    }

    // MARK: What is not asked

    private static let mistakes: [([String], String)] = [
        (["poll"], "Say whom you mean"), (["poll", "--all", "--group", "a"], "Give either --all"),
        (["sweep", "--all", "--path", "home"], "--path must be absolute"),
        (["poll", "--group", " "], "--group is empty"),
        (["poll", "--all", "--deadline", "soon"], "'soon' is invalid"), (["jobs", "7"], "7 is none"),
        (["jobs", "--watch"], "Say which job"), (["fleet", "token", "delete", "muster-abc"], "not the token"),
        (["clients", "pc1", "--group", "a"], "Give either a client"),
        (["clients", "--server", "a:b"], "is not where a server can be reached"),
    ]

    @Test(arguments: mistakes)
    func aMistakeInTheCommandLineAsksNobody(arguments: [String], words: String) throws {
        let fleet = try CommandFleet { _, _ in }
        let outcome = try fleet.run(arguments)
        #expect(outcome.status == 64)
        #expect(outcome.errors.contains(words), "\(outcome.errors)")
        #expect(fleet.server.requests.isEmpty)
    }

    // MARK: Problems

    @Test func aSelectorsMistakeHasItsCaret() throws {
        let fleet = try CommandFleet { _, connection in
            try connection.answer(Problem(400, .selector, "There is no field called nmae.", column: 14))
        }
        let outcome = try fleet.run("poll", "--where", "name=配信 and nmae=1", "--wait")
        #expect(outcome.status == 3)
        #expect(
            outcome.errors.hasPrefix(
                "muster: There is no field called nmae\n  name=配信 and nmae=1\n                 ^\n  A selector is like "
            ))
    }

    @Test func aServerThatIsAwayIsOneLineAndWhatToDo() throws {
        let fleet = try CommandFleet { _, _ in }
        fleet.server.stop()
        let outcome = try fleet.run("clients", "--server", "127.0.0.1:1")
        #expect(outcome.status == 3)
        #expect(
            outcome.errors.hasPrefix(
                "muster: the company server cannot be reached at 127.0.0.1:1: Connection refused\n"))
    }

    @Test func anIdentityThatIsNotThereIsSaid() throws {
        let outcome = try CommandFleet { _, _ in }.run("jobs", "--identity", "/nowhere/fleet")
        #expect(outcome.status == 3 && outcome.output.isEmpty)
        #expect(outcome.errors.hasPrefix("muster: there is no identity in /nowhere/fleet\n  Make one with "))
    }

    // MARK: Lists, tokens, revocations

    @Test func clientsAreAJSONDocumentALine() throws {
        let rows = (0..<3).map { index in
            ClientRow(
                id: .make(), name: "pc\(index)\u{1B}[2J\u{9B}2J", group: "office", standing: .enrolled, isOnline: true,
                enrolledAt: Timestamp(seconds: 0))
        }
        let fleet = try CommandFleet { _, connection in try connection.answer(json: Page(items: rows)) }
        let lines = try fleet.run("clients", "--json").output.split(separator: "\n")
        #expect(try lines.map { try FleetJSON.decode(ClientRow.self, from: $0.utf8) } == rows)
        #expect(!lines.joined().unicodeScalars.contains { $0.properties.generalCategory == .control })
        let table = try fleet.run("clients").output
        #expect(table.contains("pc2\u{FFFD}[2J") && !table.unicodeScalars.contains("\u{1B}"))
    }

    @Test func aClientByNameIsLookedForAndShown() throws {
        let row = ClientRow(
            id: .make(), name: "pc 1", group: "office", standing: .enrolled, isOnline: false, enrolledAt: .now())
        let fleet = try CommandFleet { request, connection in
            guard request.path == "GET /v1/clients/pc%201" else {
                return try connection.answer(
                    Problem(404, .noClients, "There is no client pc2; `muster clients` lists all."))
            }
            try connection.answer(json: row)
        }
        #expect(try fleet.run("clients", "pc 1").output.hasPrefix("pc 1\nid "))
        let missing = try fleet.run("clients", "pc2")
        #expect(missing.status == 3 && missing.errors == "muster: There is no client pc2; `muster clients` lists all\n")
    }

    @Test func aTokenAloneGoesToTheStandardOutput() throws {
        let made = MadeToken(
            id: .make(), secret: TokenSecret.make(), authority: String(repeating: "ab", count: 32), expiresAt: .now())
        let fleet = try CommandFleet { _, connection in try connection.answer(json: made, status: "201 Created") }
        let outcome = try fleet.run("fleet", "token", "create", "--group", "office", "--uses", "20", "--expires", "7d")
        let token = try EnrolmentToken(outcome.output)
        #expect(token.secret == made.secret && token.server == "127.0.0.1:\(fleet.server.port)")
        #expect(!outcome.errors.contains(made.secret) && outcome.errors.contains("\(made.id)"))
        let order: TokenOrder = try FleetJSON.decode(from: try #require(fleet.server.requests.first).body)
        #expect(order == TokenOrder(group: "office", uses: 20, expiresSeconds: 604_800))
    }

    @Test func aRevocationSaysWhoIsOut() throws {
        let fleet = try CommandFleet { request, connection in
            let order: RevocationOrder = try FleetJSON.decode(from: request.body)
            try connection.answer(
                json: Revocation(uri: "muster:\(order.subject)", name: "anna\u{7}", wasRevoked: false))
        }
        #expect(
            try fleet.run("fleet", "revoke", "admin/anna").output
                == "anna\u{FFFD} (muster:admin/anna) is revoked: the server refuses it from now on.\n")
    }

    @Test func aCancelledJobIsSaidToEnd() throws {
        let served = Served(states: [.running, .cancelled])
        let fleet = try CommandFleet { request, connection in
            #expect(request.line == "DELETE /v1/jobs/\(served.id)")
            try connection.answer(json: served.job("all"))
        }
        #expect(
            try fleet.run("jobs", "\(served.id)", "--cancel").output
                == "What waited is cancelled; 1 client is still to end: `muster jobs \(served.id) --watch`.\n")
    }

    @Test func detectionsAreAskedForOnceAsManyAsWanted() throws {
        let row = DetectionRow(
            client: .make(), name: "pc", job: .make(), foundAt: .now(),
            detection: Detection(path: "/a", threat: "Eicar", severity: .low, sha256: "00", size: 1))
        let fleet = try CommandFleet { request, connection in
            if request.path == "GET /v1/status" {
                // Another clock than this machine's, and no answer besides.
                return try connection.answer("404 Not Found", ["Date: Sun, 06 Nov 1994 08:49:37 GMT"])
            }
            try connection.answer(json: Page(items: [row, row, row], next: "x"))
        }
        let outcome = try fleet.run("detections", "--client", "pc", "--since", "24h", "--limit", "2")
        #expect(outcome.status == 0 && outcome.output.hasSuffix("2 detections on 1 client.\n"))
        #expect(outcome.errors == "There are more than these 2: --limit N lists further ones.\n")
        #expect(fleet.server.requests.count == 2)
        #expect(
            fleet.server.requests.last?.query == "where=client%3Dpc&since=1994-11-05T08%3A49%3A37.000Z&limit=200")
    }
}
