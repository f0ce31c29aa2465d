import Fleet
import MusterABI
import PluginTesting
import Testing

@testable import JobHandling

@Suite struct EventFeedTests {
    private func event(_ succeeded: Int, of total: Int = 10) -> JobEvent {
        Job.sample("poll", JobID.make(at: Timestamp(seconds: 0)), succeeded: succeeded, of: total).event
    }

    private let job = JobID.make()
    private func counts(_ succeeded: Int) -> JobEvent {
        JobEvent(job: job, kind: "poll", counts: Job.sample("poll", job, succeeded: succeeded, of: 10).counts)
    }

    @Test func countsComeAtMostFourTimesASecondAndTheNewestWin() {
        var feed = EventFeed(at: .zero)
        #expect(feed.next(at: .zero) == .wait)
        feed.take(counts(1), isFinished: false, at: .zero)
        #expect(feed.next(at: .zero) == .counts(counts(1)))
        feed.take(counts(2), isFinished: false, at: .milliseconds(10))
        feed.take(counts(3), isFinished: false, at: .milliseconds(20))
        #expect(feed.next(at: .milliseconds(249)) == .wait)
        #expect(feed.next(at: .milliseconds(250)) == .counts(counts(3)))
        #expect(feed.next(at: .milliseconds(600)) == .wait)
    }

    @Test func sameAndOlderCountsAreNotTold() {
        var feed = EventFeed(at: .zero)
        feed.take(counts(5), isFinished: false, at: .zero)
        #expect(feed.next(at: .zero) == .counts(counts(5)))
        feed.take(counts(5), isFinished: false, at: .seconds(1))
        feed.take(counts(4), isFinished: false, at: .seconds(1))
        #expect(feed.next(at: .seconds(1)) == .wait)
    }

    @Test func endIsToldAtOnceAndIsTheLast() {
        var feed = EventFeed(at: .zero)
        feed.take(counts(5), isFinished: false, at: .zero)
        _ = feed.next(at: .zero)
        feed.take(counts(10), isFinished: true, at: .milliseconds(1))
        #expect(feed.next(at: .milliseconds(1)) == .end(counts(10)))
        #expect(feed.next(at: .seconds(60)) == .close)
    }

    @Test func jobIsAskedForWhenNothingWasHeardAndAQuietStreamIsKeptAlive() {
        var feed = EventFeed(at: .zero)
        feed.take(counts(1), isFinished: false, at: .zero)
        _ = feed.next(at: .zero)
        var steps: [EventFeed.Step] = []
        for tenth in 1...310 {
            let step = feed.next(at: .milliseconds(tenth * 100))
            if step != .wait { steps.append(step) }
        }
        #expect(steps.filter { $0 == .ask }.count == 6)
        #expect(steps.filter { $0 == .alive }.count == 2)
        feed.take(counts(1), isFinished: false, at: .seconds(31))
        #expect(feed.next(at: .seconds(35)) == .wait)
        feed.close()
        #expect(feed.next(at: .seconds(35)) == .close)
    }
}

@Suite struct TokenBucketTests {
    @Test func burstIsFreeAndThenItIsPaced() {
        var bucket = TokenBucket(perSecond: 10, burst: 3)
        let waits = (0..<6).map { _ in bucket.take(at: .seconds(5)) }
        #expect(waits == [.zero, .zero, .zero, .milliseconds(100), .milliseconds(200), .milliseconds(300)])
        // A long pause gives no more than the burst.
        let later = (0..<4).map { _ in bucket.take(at: .seconds(100)) }
        #expect(later == [.zero, .zero, .zero, .milliseconds(100)])
    }

    @Test func rateHoldsOverAnyTime() {
        var bucket = TokenBucket(perSecond: 200, burst: 32)
        var now = Duration.zero
        for _ in 0..<2000 { now += bucket.take(at: now) }
        #expect(now >= .milliseconds((2000 - 33) * 5) && now <= .seconds(10))
    }
}

@Suite struct WorkUnderWayTests {
    private func offer(_ job: JobID = .make()) -> Offer {
        Offer(job: job, kind: "sweep", parameters: .null, attempt: 1, deadline: .now(), maxRuntime: 1)
    }

    @Test func sameJobIsJoinedAndAnotherWaitsItsTurn() throws {
        var table = WorkUnderWay<Int>()
        let (first, second) = (offer(), offer())
        #expect(table.run(first, for: 1) == .begin)
        #expect(table.run(first, for: 2) == .joined)
        #expect(table.run(second, for: 3) == .queued)
        #expect(table.run(second, for: 4) == .joined)
        #expect(table.end(second.job) == nil)
        #expect(table.end(first.job) == [1, 2])
        #expect(table.end(first.job) == nil)
        // Ended, and not back yet: a newcomer is not told of an end that it missed.
        #expect(table.run(first, for: 5) == .queued)
        #expect(table.release(first.job)?.job == second.job)
        #expect(table.end(second.job) == [3, 4])
        #expect(table.release(second.job)?.job == first.job)
        #expect(table.end(first.job) == [5])
        #expect(table.release(first.job) == nil)
        #expect(table.run(first, for: 6) == .begin)
    }

    @Test func queueIsBoundedAndWhatWaitsCanBeDropped() {
        var table = WorkUnderWay<Int>()
        let running = offer()
        let waiting = (0..<4).map { _ in offer() }
        #expect(table.run(running, for: 0) == .begin)
        for (number, offer) in waiting.enumerated() { #expect(table.run(offer, for: number) == .queued) }
        #expect(table.run(offer(), for: 9) == .full)
        if case .dropped(let waiters) = table.drop(waiting[2].job) { #expect(waiters == [2]) } else { Issue.record() }
        if case .running = table.drop(running.job) {} else { Issue.record() }
        if case .unknown = table.drop(waiting[2].job) {} else { Issue.record() }
        #expect(table.waiting.map(\.waiters) == [[0], [1], [3]])
    }

    @Test func whatEndedWithoutAnOutcomeBeginsAgainFirst() {
        var table = WorkUnderWay<Int>()
        let (first, second) = (offer(), offer())
        _ = table.run(first, for: 1)
        _ = table.run(second, for: 2)
        table.suspend()
        #expect(table.putBack(first.job) == nil)
        #expect(table.run(first, for: 3) == .joined && table.run(offer(), for: 4) == .queued)
        #expect(table.resume()?.job == first.job)
        #expect(table.end(first.job) == [1, 3])
        // An end that came before it was put back stays.
        #expect(table.putBack(first.job)?.job == second.job)
        #expect(table.end(first.job) == nil)
    }

    @Test func cancelThatComesBeforeItsJobIsRemembered() {
        var table = WorkUnderWay<Int>()
        let offer = offer()
        if case .unknown = table.drop(offer.job) {} else { Issue.record() }
        #expect(table.run(offer, for: 1) == .cancelled && table.running == nil)
        for _ in 0..<64 { _ = table.drop(.make()) }
        #expect(table.run(offer, for: 1) == .begin)
    }

    @Test func callersOfOneJobAreBounded() {
        var table = WorkUnderWay<Int>()
        let offer = offer()
        for number in 0..<100 { _ = table.run(offer, for: number) }
        #expect(table.end(offer.job) == Array(92..<100))
    }

    @Test func everyWaiterIsToldExactlyOnceWhateverTheOrder() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<200 {
            var table = WorkUnderWay<Int>()
            let offers = (0..<8).map { _ in offer() }
            var asked = 0
            var told: [Int] = []
            for _ in 0..<100 {
                let offer = offers.randomElement(using: &generator) ?? offers[0]
                switch Int.random(in: 0..<4, using: &generator) {
                case 0, 1:
                    if [.full, .cancelled].contains(table.run(offer, for: asked)) { told.append(asked) }
                    asked += 1
                case 2: if case .dropped(let waiters) = table.drop(offer.job) { told += waiters }
                default:
                    guard let job = table.running?.offer.job else { break }
                    if Bool.random(using: &generator) {
                        told += table.end(job) ?? []
                        _ = table.release(job)
                    } else {
                        table.suspend()
                        _ = table.putBack(job)
                        _ = table.resume()
                    }
                }
            }
            while let job = table.running?.offer.job {
                told += table.end(job) ?? []
                _ = table.release(job)
            }
            // More than the limit of callers for one job does not happen in 100 steps often; those are dropped oldest first.
            #expect(Set(told).count == told.count)
            #expect(told.count <= asked && told.count >= asked - 40)
        }
    }

    @Test func timeIsTheEarlierOfDeadlineAndRuntime() {
        let now = Timestamp(seconds: 1000)
        var offer = offer()
        offer.deadline = now + .seconds(10)
        offer.maxRuntime = 60
        #expect(WorkLimit.left(for: offer, at: now) == .seconds(10))
        offer.maxRuntime = 5
        #expect(WorkLimit.left(for: offer, at: now) == .seconds(5))
        #expect(WorkLimit.sentence(for: offer, at: now) == "It took longer than the 5 seconds that the job allows.")
        offer.maxRuntime = -3
        #expect(WorkLimit.left(for: offer, at: now) == .seconds(1))
        #expect(WorkLimit.left(for: offer, at: now + .seconds(10)) == nil)
        #expect(WorkLimit.sentence(for: offer, at: offer.deadline).contains("deadline"))
    }
}

@Suite struct DoorbellAddressTests {
    private func url(_ address: String, _ port: Int = 50001) -> String? {
        DoorbellRounds.url(of: RingOrder(client: .make(), address: address, port: port))
    }

    @Test func onlyAnAddressOrANameIsRung() {
        #expect(url("192.0.2.7") == "https://192.0.2.7:50001/v1/doorbell")
        #expect(url("2001:db8::7") == "https://[2001:db8::7]:50001/v1/doorbell")
        #expect(url("ws-17.example") == "https://ws-17.example:50001/v1/doorbell")
        for address in ["", "a/b", "a@b", "a:80", "[::1]", "a b", "a?b", "a#b", "ä", "a\r\nb", "fe80::1%eth0"] {
            #expect(url(address) == nil, "\(address)")
        }
        #expect(url("a", 0) == nil && url("a", 65536) == nil && url("a", -1) == nil)
        #expect(url(String(repeating: "a", count: 254)) == nil)
    }
}
