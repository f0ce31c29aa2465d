import ControlProtocol
import Testing

@testable import Supervisor

private typealias Harness = MachineHarness

@Suite struct ProbationTests {
    private func reloaded() -> Harness {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        harness.ask([Harness.unit("A", option: 2), Harness.unit("B", option: 2)])
        harness.settle()
        harness.log = []
        return harness
    }

    @Test func aWorkerThatHitsItsLimitInProbationTakesTheWholeReloadBack() {
        var harness = reloaded()
        harness.crash("A", times: 6)
        harness.settle()
        #expect(harness.receipts.last?.result == .rolledBack)
        #expect(harness.machine.unit("A")?.plan.resolved == [Harness.resolved("A", option: 1)])
        #expect(harness.machine.unit("B")?.plan.resolved == [Harness.resolved("B", option: 1)])
        #expect(harness.receipts.last?.diagnostics.first?.hasPrefix("A: ") == true)
        #expect(harness.machine.generation == 3)
        #expect(harness.receipts.last?.generation == 2)
        #expect(harness.receipts.last?.components.map(\.outcome) == [.failed, .restarted])
    }

    @Test func aWorkerThatWaitsForAReloadInProbationTakesItBack() {
        var harness = reloaded()
        harness.exit(harness.current("B"), .exited(78))
        harness.settle()
        #expect(harness.receipts.last?.result == .rolledBack)
        #expect(harness.step(of: harness.current("B")) == .active)
    }

    @Test func afterProbationNothingIsTakenBack() {
        var harness = reloaded()
        harness.pass(.seconds(31))
        #expect(harness.machine.hostPhase == .running)
        harness.crash("A", times: 20)
        harness.settle()
        #expect(harness.receipts.isEmpty)
    }

    @Test func aComponentThatTheReloadDidNotChangeTakesNothingBack() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        harness.ask([Harness.unit("A", option: 2), Harness.unit("B")])
        harness.settle()
        harness.log = []
        harness.crash("B", times: 8)
        #expect(harness.receipts.isEmpty)
    }

    @Test func takingBackIsNotOnProbationItself() {
        var harness = reloaded()
        harness.crash("A", times: 6)
        harness.settle()
        harness.log = []
        harness.crash("A", times: 12)
        harness.settle()
        #expect(harness.receipts.isEmpty)
    }

    @Test func theStartIsNotOnProbation() {
        var harness = Harness.running([Harness.unit("A")])
        #expect(harness.machine.hostPhase == .running)
        harness.crash("A", times: 8)
        #expect(harness.receipts.isEmpty)
    }

    @Test func theNeedToTakeBackWaitsForAReloadThatIsUnderWayAndEndsWithItsCommit() {
        var harness = reloaded()
        harness.ask([Harness.unit("A", option: 3), Harness.unit("B", option: 2)])
        for _ in 0..<6 {
            let current = harness.current("A")
            while let step = harness.step(of: current), step != .active, harness.step(current ?? WorkerID(number: 0)) {}
            harness.exit(current, .signalled(11))
        }
        #expect(harness.machine.pendingRollback != nil)
        harness.settle()
        #expect(harness.receipts.map(\.result) == [.committed])
        #expect(harness.machine.unit("A")?.plan.resolved == [Harness.resolved("A", option: 3)])
    }

    @Test func whatIsNeededForTakingBackIsKeptUntilProbationIsOver() {
        var harness = reloaded()
        let kept = harness.machine.probation?.previous.id
        #expect(kept == 1)
        harness.pass(.seconds(31))
        let last = harness.log.reversed().lazy.compactMap { action -> Set<UInt64>? in
            if case .retainProposals(let ids) = action { ids } else { nil }
        }.first
        #expect(last == [2])
    }

    @Test func raisedLimitsLetABenchmarkKillOnPurpose() {
        var limits = Limits()
        limits.restartLimit = 100_000
        var harness = Harness.running([Harness.unit("A")], limits: limits)
        harness.ask([Harness.unit("A", option: 2)], limits: limits)
        harness.settle()
        harness.log = []
        for _ in 0..<1000 {
            harness.exit(harness.current("A"), .signalled(9))
            harness.settle()
        }
        #expect(harness.receipts.isEmpty)
        #expect(harness.step(of: harness.current("A")) == .active)
    }
}
