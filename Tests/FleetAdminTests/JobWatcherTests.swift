import Fleet
import FleetAdmin
import Glibc
import Locks
import NetworkTesting
import Testing

/// Following a job over real connections.
@Suite struct JobWatcherTests {
    private let fleet: TestIssuer
    private let id = JobID.make()

    init() throws { fleet = try TestIssuer("Fleet") }

    private func event(_ name: String, _ succeeded: Int, of total: Int) throws -> String {
        var counts = AssignmentCounts()
        counts.succeeded = succeeded
        counts.queued = total - succeeded
        let data = try FleetJSON.encode(JobEvent(job: id, kind: "poll", counts: counts))
        return "event: \(name)\ndata: \(String(decoding: data, as: UTF8.self))\n\n"
    }

    private func report(_ succeeded: Int, of total: Int) -> JobReport {
        var counts = AssignmentCounts()
        counts.succeeded = succeeded
        counts.queued = total - succeeded
        let job = Job(
            id: id, kind: "poll", selector: "all", parameters: .null, notBefore: nil, deadline: .now(), maxRuntime: 1,
            createdBy: "", createdAt: .now(), finishedAt: succeeded == total ? .now() : nil, counts: counts)
        return JobReport(job: job, rows: [])
    }

    /// Twenty seconds at most.
    private func watch(
        _ server: ServerDouble, goesOn: (JobWatcher) -> Bool = { _ in true }
    ) throws -> (JobWatcher.Ending?, counts: AssignmentCounts?, AdminFailure?) {
        var watcher = JobWatcher(try server.client(), job: id, kind: .poll)
        var turns = 0
        do throws(AdminFailure) {
            let ending = try watcher.run { watcher in
                usleep(2_000)
                turns += 1
                return turns < 10_000 && goesOn(watcher)
            }
            return (ending, watcher.counts, nil)
        } catch {
            return (nil, watcher.counts, error)
        }
    }

    @Test func aStreamThatEndsOnReloadIsTakenUpAtOnce() throws {
        let (first, last) = (try event("counts", 1, of: 2), try event("end", 2, of: 2))
        let streams = Locked(0)
        let server = try ServerDouble(fleet) { _, connection in
            let number = streams.withLock { count in
                count += 1
                return count
            }
            try connection.beginEvents()
            try connection.send(chunk: ": alive\n\n" + first)
            if number == 5 { try connection.send(chunk: last) }
            try connection.endChunks()
        }
        defer { server.stop() }
        let start = ContinuousClock.now
        let (ending, counts, _) = try watch(server)
        #expect(ending == .finished && counts?.succeeded == 2)
        #expect(server.requests.map(\.path) == Array(repeating: "GET /v1/polls/\(id)/events", count: 5))
        // Any pause after an orderly end would add up to more.
        #expect(ContinuousClock.now - start < .seconds(2))
    }

    @Test func aLostConnectionIsMadeAgain() throws {
        let (first, last) = (try event("counts", 1, of: 2), try event("end", 2, of: 2))
        let streams = Locked(0)
        let server = try ServerDouble(fleet) { _, connection in
            let isFirst = streams.withLock { count in
                count += 1
                return count == 1
            }
            try connection.beginEvents()
            try connection.send(chunk: isFirst ? first : last)
            if isFirst {
                connection.reset()
                throw Broken()
            }
            connection.waitForClose()
        }
        defer { server.stop() }
        let hadTrouble = Locked(false)
        let (ending, counts, _) = try watch(server) { watcher in
            if watcher.trouble?.kind == .unreachable { hadTrouble.withLock { $0 = true } }
            return true
        }
        #expect(ending == .finished && counts?.succeeded == 2)
        #expect(hadTrouble.withLock { $0 })
    }

    private struct Broken: Error {}

    @Test func aServerWithoutStreamsIsAskedInstead() throws {
        let done = report(2, of: 2)
        let server = try ServerDouble(fleet) { request, connection in
            if request.path.hasSuffix("/events") {
                try connection.answer("404 Not Found", ["Content-Type: text/html"], text: "<html>")
            } else {
                try connection.answer(json: done)
            }
        }
        defer { server.stop() }
        let (ending, counts, _) = try watch(server)
        #expect(ending == .finished && counts?.succeeded == 2)
        #expect(server.requests.map(\.path) == ["GET /v1/polls/\(id)/events", "GET /v1/jobs/\(id)"])
    }

    @Test func anUnknownJobIsGivenUp() throws {
        let server = try ServerDouble(fleet) { _, connection in
            try connection.answer(Problem(404, .notFound, "There is no such job."))
        }
        defer { server.stop() }
        let (ending, _, failure) = try watch(server)
        #expect(ending == nil && failure?.kind == .problem(.notFound))
        #expect(failure?.message == "There is no such job")
    }

    @Test func aStreamOfAnotherJobIsNotBelieved() throws {
        let other = try JobWatcherTests().event("end", 2, of: 2)
        let server = try ServerDouble(fleet) { _, connection in
            try connection.beginEvents()
            try connection.send(chunk: other)
            connection.waitForClose()
        }
        defer { server.stop() }
        let (ending, counts, _) = try watch(server) { $0.trouble == nil }
        #expect(ending == .interrupted && counts == nil)
    }

    @Test func aWatchEndsWhereItIsToldToAndClosesItsStream() throws {
        let first = try event("counts", 1, of: 2)
        let isClosed = Locked(false)
        let server = try ServerDouble(fleet) { _, connection in
            try connection.beginEvents()
            try connection.send(chunk: first)
            connection.waitForClose()
            isClosed.withLock { $0 = true }
        }
        defer { server.stop() }
        let (ending, counts, _) = try watch(server) { $0.counts == nil }
        #expect(ending == .interrupted && counts?.succeeded == 1)
        for _ in 0..<5_000 where !isClosed.withLock({ $0 }) { usleep(2_000) }
        #expect(isClosed.withLock { $0 })
    }
}
