import Fleet
import Testing

@testable import FleetAdmin

@Suite struct JobWatchTests {
    private static let down = AdminFailure(.unreachable, "the company server cannot be reached")

    private func counts(_ succeeded: Int, of total: Int) -> AssignmentCounts {
        var counts = AssignmentCounts()
        counts.succeeded = succeeded
        counts.queued = total - succeeded
        return counts
    }

    private func job(_ counts: AssignmentCounts, isFinished: Bool) -> Job {
        Job(
            id: .make(), kind: "poll", selector: "all", parameters: .null, notBefore: nil, deadline: .now(),
            maxRuntime: 60, createdBy: "muster:admin/anna?role=operator", createdAt: .now(),
            finishedAt: isFinished ? .now() : nil, counts: counts)
    }

    @Test func aStreamIsFollowedToItsEnd() {
        var watch = JobWatch()
        #expect(watch.next(at: 0) == .openStream)
        #expect(watch.next(at: 0) == .wait(nil))
        watch.take(.counts(counts(1, of: 2)), at: 10)
        #expect(watch.counts == counts(1, of: 2))
        #expect(watch.next(at: 10) == .wait(nil))
        watch.take(.end(counts(2, of: 2)), at: 20)
        #expect(watch.next(at: 20) == .finished)
        #expect(watch.counts == counts(2, of: 2))
    }

    @Test func anOrderlyEndIsTakenUpAgainAtOnceHoweverOften() {
        var watch = JobWatch()
        for time in UInt64(0)..<100 {
            #expect(watch.next(at: time) == .openStream)
            watch.take(.counts(counts(1, of: 2)), at: time)
            watch.take(.streamEnded, at: time)
        }
        #expect(watch.trouble == nil)
    }

    @Test func streamsThatEndWithoutAWordAreNotOpenedInALoop() {
        var watch = JobWatch()
        var opened = 0
        for time in UInt64(0)..<10_000 where watch.next(at: time) == .openStream {
            opened += 1
            watch.take(.streamEnded, at: time)
        }
        #expect((4...10).contains(opened))
    }

    @Test func aComponentThatHandsOverIsAskedAgainAtOnce() {
        var watch = JobWatch()
        _ = watch.next(at: 0)
        watch.take(.streamEnded, at: 5)
        #expect(watch.next(at: 5) == .openStream)
        watch.take(.failed(AdminFailure(.handingOver, "Handing over")), at: 6)
        #expect(watch.next(at: 6) == .openStream)
        #expect(watch.trouble == nil)
    }

    @Test func errorsAreFollowedByPausesThatGrowToABound() {
        var watch = JobWatch(hasStream: false)
        var pauses: [UInt64] = []
        var time: UInt64 = 0
        for _ in 0..<8 {
            #expect(watch.next(at: time) == .ask)
            watch.take(.failed(Self.down), at: time)
            #expect(watch.trouble == Self.down)
            guard case .wait(let pause?) = watch.next(at: time) else {
                Issue.record("no pause")
                return
            }
            pauses.append(pause)
            time += pause
        }
        #expect(pauses == [500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000])
    }

    @Test func aGoodAnswerEndsTheTroubleAndThePauses() {
        var watch = JobWatch()
        _ = watch.next(at: 0)
        watch.take(.failed(Self.down), at: 0)
        #expect(watch.next(at: 499) == .wait(1))
        #expect(watch.next(at: 500) == .openStream)
        watch.take(.counts(counts(1, of: 2)), at: 500)
        #expect(watch.trouble == nil)
        watch.take(.failed(Self.down), at: 600)
        #expect(watch.next(at: 600) == .wait(500))
    }

    @Test func whatTheServerAsksForIsWaitedWithinABound() {
        var (watch, busy) = (JobWatch(), AdminFailure(.busy, "busy"))
        busy.retryAfter = 7
        _ = watch.next(at: 0)
        watch.take(.failed(busy), at: 0)
        #expect(watch.next(at: 0) == .wait(7_000))
        busy.retryAfter = 1e12
        #expect(watch.next(at: 7_000) == .openStream)
        watch.take(.failed(busy), at: 7_000)
        #expect(watch.next(at: 7_000) == .wait(60_000))
    }

    @Test func withoutAStreamTheServerIsAskedUntilTheJobIsOver() {
        var watch = JobWatch()
        #expect(watch.next(at: 0) == .openStream)
        watch.take(.noStream, at: 0)
        #expect(watch.next(at: 0) == .ask)
        #expect(watch.next(at: 0) == .wait(nil))
        watch.take(.job(job(counts(1, of: 2), isFinished: false)), at: 100)
        #expect(watch.counts == counts(1, of: 2))
        #expect(watch.next(at: 100) == .wait(2_000))
        #expect(watch.next(at: 2_100) == .ask)
        watch.take(.job(job(counts(2, of: 2), isFinished: true)), at: 2_200)
        #expect(watch.next(at: 2_200) == .finished)
    }

    @Test func whereTheStreamFailsTwiceTheKeeperOfJobsIsAskedInBetween() {
        var watch = JobWatch()
        #expect(watch.next(at: 0) == .openStream)
        watch.take(.failed(Self.down), at: 0)
        #expect(watch.next(at: 500) == .openStream)
        watch.take(.failed(Self.down), at: 500)
        #expect(watch.next(at: 1_500) == .ask)
        watch.take(.job(job(counts(1, of: 2), isFinished: false)), at: 1_500)
        #expect(watch.next(at: 1_500) == .wait(2_000))
        #expect(watch.next(at: 3_500) == .openStream)
    }

    @Test(arguments: [
        AdminFailure.Kind.problem(.notFound), .problem(.notAllowed), .problem(.revoked), .certificate, .wrongPeer,
    ])
    func whatWaitingCannotChangeEndsIt(kind: AdminFailure.Kind) {
        var watch = JobWatch()
        _ = watch.next(at: 0)
        watch.take(.failed(AdminFailure(kind, "no")), at: 0)
        #expect(watch.next(at: 0) == .giveUp(AdminFailure(kind, "no")))
        watch.take(.counts(counts(1, of: 2)), at: 1)
        #expect(watch.next(at: 1) == .giveUp(AdminFailure(kind, "no")))
    }

    @Test func nothingFollowsTheEnd() {
        var watch = JobWatch()
        _ = watch.next(at: 0)
        watch.take(.end(counts(2, of: 2)), at: 0)
        watch.take(.streamEnded, at: 0)
        watch.take(.failed(Self.down), at: 0)
        #expect(watch.next(at: 0) == .finished)
    }
}
