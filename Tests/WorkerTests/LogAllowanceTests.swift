@testable import Worker
import Testing

@Suite struct LogAllowanceTests {
    private let start = 1000 * MonotonicTime.second

    /// How many of `count` lines may go at `now`.
    private func taken(_ count: UInt64, of allowance: inout LogAllowance, at now: UInt64) -> UInt64 {
        var taken: UInt64 = 0
        for _ in 0..<count where allowance.take(at: now) { taken += 1 }
        return taken
    }

    @Test func aBurstIsLetThroughAndTheRestOfAFloodIsNot() {
        var allowance = LogAllowance(at: start)
        #expect(taken(100_000, of: &allowance, at: start) == LogAllowance.burst)
        #expect(taken(1, of: &allowance, at: start) == 0)
    }

    @Test func afterABurstTheRateIsMetHoweverOftenItIsAsked() {
        var allowance = LogAllowance(at: start)
        _ = taken(LogAllowance.burst, of: &allowance, at: start)
        var total: UInt64 = 0
        for step in 1...30_000 as ClosedRange<UInt64> {
            // Ten seconds, asked every third of a millisecond.
            total += taken(10, of: &allowance, at: start + step * MonotonicTime.second / 3000)
        }
        #expect((9_990...10_000).contains(total), "\(total)")
    }

    @Test func aLongSilenceSavesUpNoMoreThanABurst() {
        var allowance = LogAllowance(at: start)
        _ = taken(LogAllowance.burst, of: &allowance, at: start)
        let later = start + 3600 * MonotonicTime.second
        #expect(taken(100_000, of: &allowance, at: later) == LogAllowance.burst)
    }

    @Test func aClockThatStandsStillGivesNothing() {
        var allowance = LogAllowance(at: start)
        _ = taken(LogAllowance.burst, of: &allowance, at: start)
        #expect(taken(1, of: &allowance, at: start - MonotonicTime.second) == 0)
    }
}
