import Glibc
import Testing

@testable import Networking

/// How long requests took, counted by size.
@Suite struct DurationTests {
    @Test func everyDurationHasItsPlace() {
        let counters = DurationCounters()
        for bound in DurationCounts.bounds {
            counters.count(bound)
            counters.count(bound + 1)
        }
        counters.count(0)
        counters.count(3_600_000_000_000)
        var counts = DurationCounts()
        counters.add(to: &counts)
        // Each bound belongs to what is below it; one more is the next one's.
        #expect(counts.counts == [2] + Array(repeating: 2, count: DurationCounts.bounds.count - 1) + [2])
        #expect(counts.sum == DurationCounts.bounds.reduce(3_600_000_000_000) { $0 + 2 * $1 + 1 })
    }

    /// The client may have its answer before it is counted.
    private func waitForCount(_ count: UInt64, of server: TestServer) -> Bool {
        let deadline = coarseNow() + 20_000_000_000
        while durations(of: server).counts.reduce(0, +) != count {
            guard coarseNow() < deadline else { return false }
            sched_yield()
        }
        return true
    }

    private func durations(of server: TestServer) -> DurationCounts { server.server.activity.durations }

    @Test func everyAnswerIsCountedOnceHoweverItIsGiven() throws {
        let server = try TestServer { loops, seen in
            switch seen.target {
            case "/streamed":
                loops.begin(seen.exchange)
                _ = loops.end(seen.exchange)
            case "/broken": _ = loops.abort(seen.exchange)
            default: loops.answer(seen.exchange, "ok")
            }
        }
        defer { server.stop() }
        let client = try server.connect()
        // Three that come together are three.
        let get = AnsweringTests.get
        try client.send(get + get + "GET /streamed HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in 0..<3 { _ = try client.answer() }
        #expect(waitForCount(3, of: server))
        // What is broken off, or was no request at all, has no duration.
        _ = try? server.exchange("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try server.exchange("GET / HTTP/1.1\r\n\r\n")
        _ = try server.exchange(AnsweringTests.get)
        #expect(waitForCount(4, of: server))
        #expect(durations(of: server).sum > 0)
    }

    @Test func whatAPluginDoesNotAnswerInTimeIsCountedWithThatTime() throws {
        var limits = HTTPLimits()
        limits.answerTimeout = 200_000_000
        let server = try TestServer(limits) { _, _ in }
        defer { server.stop() }
        #expect(try server.exchange(AnsweringTests.get).status == 503)
        #expect(waitForCount(1, of: server))
        let counted = durations(of: server)
        #expect(counted.sum >= 190_000_000)
        #expect(counted.counts.prefix(7).allSatisfy { $0 == 0 })
    }
}
