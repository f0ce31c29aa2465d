import ControlProtocol
import Testing

@testable import Supervisor

private typealias Harness = MachineHarness

@Suite struct SupervisionTests {
    @Test func aDeadWorkerIsRestartedAtOnceAndItsSiblingIsNotTouched() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        let dead = harness.current("A")
        let sibling = harness.current("B")
        harness.exit(dead, .signalled(11))
        #expect(harness.spawned.count == 1)
        #expect(harness.current("A") != dead)
        harness.settle()
        #expect(harness.step(of: harness.current("A")) == .active)
        #expect(harness.current("B") == sibling)
        #expect(harness.commands(to: sibling).isEmpty)
    }

    @Test func restartsAreCountedThroughReloadsUntilTheComponentIsRemoved() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        harness.exit(harness.current("A"), .signalled(11))
        harness.settle()
        harness.ask([Harness.unit("A", option: 2), Harness.unit("B")])
        harness.settle()
        #expect(harness.machine.unit("A")?.restarts == 0)
        harness.exit(harness.current("A"), .signalled(11))
        harness.settle()
        #expect(harness.machine.restartTotals == ["A": 2])
        harness.ask([Harness.unit("B")])
        harness.settle()
        #expect(harness.machine.restartTotals.isEmpty)
    }

    @Test func aRestartedWorkerGetsNoStateOfTheDeadOne() {
        var harness = Harness.running([Harness.unit("A")])
        harness.exit(harness.current("A"), .signalled(11))
        harness.settle()
        #expect(harness.activationState(of: harness.current("A")) == [:])
    }

    @Test func theSixthDeathInHalfAMinuteIsFollowedByAPause() {
        var harness = Harness.running([Harness.unit("A")])
        harness.crash("A", times: 5)
        #expect(harness.current("A") != nil)
        harness.settle()
        harness.exit(harness.current("A"), .signalled(11))
        #expect(harness.current("A") == nil)
        harness.pass(.milliseconds(999))
        #expect(harness.current("A") == nil)
        harness.pass(.milliseconds(1))
        #expect(harness.current("A") != nil)
    }

    @Test func pausesDoubleToHalfAMinuteAndNeverEnd() {
        var harness = Harness.running([Harness.unit("A")])
        harness.crash("A", times: 6)
        for seconds: UInt64 in [1, 2, 4, 8, 16, 30, 30, 30] {
            let retryAt = harness.machine.unit("A")?.retryAt
            #expect(retryAt == harness.now + .seconds(seconds))
            harness.pass(.seconds(seconds))
            harness.settle()
            harness.exit(harness.current("A"), .signalled(11))
        }
    }

    @Test func deathsLongApartAreRestartedAtOnceForEver() {
        var harness = Harness.running([Harness.unit("A")])
        for _ in 0..<50 {
            harness.pass(.seconds(61))
            harness.exit(harness.current("A"), .signalled(11))
            #expect(harness.current("A") != nil)
            harness.settle()
        }
    }

    @Test func deathBeforeReadyIsFollowedByPausesFromAQuarterOfASecond() {
        var harness = Harness.running([Harness.unit("A")])
        harness.exit(harness.current("A"), .signalled(11))
        for milliseconds: UInt64 in [250, 500, 1000, 2000, 4000, 8000, 16000, 30000, 30000] {
            harness.exit(harness.current("A"), .exited(1))
            #expect(harness.machine.unit("A")?.retryAt == harness.now + .milliseconds(milliseconds))
            harness.pass(.milliseconds(milliseconds))
        }
    }

    @Test func jitterLengthensAPauseByAQuarterAtMost() {
        var backoff = Backoff()
        let decision = backoff.death(at: 0, afterReady: false, activeFor: nil, limits: Limits()) { _ in .max }
        #expect(decision.pause == .milliseconds(250) + .milliseconds(250) / 4)
    }

    @Test func exit78WaitsForAReload() {
        var harness = Harness.running([Harness.unit("A")])
        harness.exit(harness.current("A"), .exited(78))
        harness.pass(.seconds(3600))
        #expect(harness.current("A") == nil)
        #expect(harness.machine.componentStatuses(at: harness.now).first?.state == .waitingForReload)
    }

    @Test func aFailureThatBlamesTheConfigurationWaitsForAReloadWithItsPlaceInTheFile() {
        var harness = Harness.running([Harness.unit("A")])
        harness.exit(harness.current("A"), .signalled(11))
        let worker = harness.current("A")
        harness.report(worker, .loaded([]))
        harness.fail(worker, .prepare, "no such folder", isConfiguration: true)
        harness.exit(worker, .exited(78))
        let status = harness.machine.componentStatuses(at: harness.now).first
        #expect(status?.state == .waitingForReload)
        #expect(status?.message == "config.yaml:1:1: error: no such folder")
    }

    @Test func theSameReasonIsLoggedOnceHoweverOftenItIsTried() {
        var harness = Harness.running([Harness.unit("A")])
        harness.exit(harness.current("A"), .signalled(11))
        harness.log = []
        for _ in 0..<20 {
            harness.report(harness.current("A"), .loaded([]))
            harness.fail(harness.current("A"), .prepare, "port 80 is in use")
            harness.exit(harness.current("A"), .exited(1))
            harness.passToRetry(of: "A")
        }
        #expect(harness.logged(of: "A").count == 1)
    }

    @Test func recoveryAfterFailingIsLoggedOnce() {
        var harness = Harness.running([Harness.unit("A")])
        harness.exit(harness.current("A"), .signalled(11))
        harness.exit(harness.current("A"), .exited(1))
        harness.log = []
        harness.pass(.seconds(1))
        harness.settle()
        #expect(harness.logged(of: "A") == ["running again"])
    }

    @Test func aCrashLoopIsNotLoggedAsRecoveredUntilItIsStable() {
        var harness = Harness.running([Harness.unit("A")])
        harness.crash("A", times: 30)
        #expect(!harness.logged(of: "A").contains("running again"))
        #expect(harness.logged(of: "A").count == 2)
        harness.passToRetry(of: "A")
        harness.settle()
        harness.pass(.seconds(62))
        #expect(harness.logged(of: "A").last == "running again")
    }

    @Test func anExitStatusIsABetterReasonThanTheClosedSocketBeforeIt() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        if let worker { harness.handle(.channelEnded(worker)) }
        harness.exit(worker, .signalled(11))
        #expect(harness.logged(of: "A").first?.contains("SIGSEGV") == true)
    }

    @Test func aWorkerThatClosesItsSocketAndLivesIsKilledAndReplaced() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        if let worker { harness.handle(.channelEnded(worker)) }
        harness.pass(.seconds(1))
        #expect(harness.signals(to: worker) == [9])
        harness.exit(worker, .signalled(9))
        #expect(harness.current("A") != worker)
        #expect(harness.logged(of: "A").first?.contains("closed its control socket") == true)
    }

    @Test func aWorkerThatSpeaksNonsenseIsKilled() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        if let worker { harness.handle(.channelFailed(worker, reason: "reading a frame: malformed")) }
        #expect(harness.signals(to: worker) == [9])
    }

    @Test func aReportThatDoesNotFitTheStepEndsTheWorker() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.report(worker, .released([:]))
        #expect(harness.signals(to: worker) == [9])
        harness.exit(worker, .signalled(9))
        #expect(harness.logged(of: "A").first?.contains("it reported 'released' while active") == true)
    }

    @Test func tenSecondsOfSilenceAbortTheWorkerAndTwoMoreKillIt() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.pass(.seconds(9), pulsing: false)
        #expect(harness.signals(to: worker).isEmpty)
        harness.pass(.seconds(1), pulsing: false)
        #expect(harness.signals(to: worker) == [6])
        harness.pass(.seconds(2), pulsing: false)
        #expect(harness.signals(to: worker) == [6, 9])
        harness.exit(worker, .signalled(9))
        #expect(harness.logged(of: "A").first?.contains("silent for 10 s") == true)
    }

    @Test func pulsesKeepTheWatchdogQuiet() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.pass(.seconds(3600))
        #expect(harness.current("A") == worker)
        #expect(harness.signals(to: worker).isEmpty)
    }

    @Test func aSupervisorThatWasHeldUpPutsDeadlinesOffBeforeItJudges() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.now += .seconds(60)
        harness.handle(.tick)
        #expect(harness.signals(to: worker).isEmpty)
        #expect(harness.logged(atLeast: .warning).contains { $0.contains("was not run") })
        harness.pass(.seconds(11), pulsing: false)
        #expect(harness.signals(to: worker) == [6])
    }

    @Test func aComponentThatSaysItCannotGoOnIsStoppedAndReplaced() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.fail(worker, .run, "the database is gone")
        #expect(harness.commands(to: worker) == ["stop"])
        harness.exit(worker)
        #expect(harness.current("A") != worker)
        #expect(harness.machine.unit("A")?.condition.reason?.contains("the database is gone") == true)
    }

    @Test func everyDeathHasTheSharedSocketsLookedAt() {
        var harness = Harness.running([Harness.unit("A", port: 80)])
        harness.exit(harness.current("A"), .signalled(11))
        #expect(harness.recent.contains { if case .inspectListeners = $0 { true } else { false } })
    }

    @Test func aListenerThatIsNotInTheConfigurationIsRefused() {
        var harness = Harness.running([Harness.unit("A", port: 80)])
        harness.exit(harness.current("A"), .signalled(11))
        let worker = harness.current("A")
        harness.report(worker, .loaded([]))
        harness.report(worker, .listenerRequest(component: "A", listener: "other"))
        #expect(harness.commands(to: worker).last == "listenerRefused")
        harness.report(worker, .listenerRequest(component: "B", listener: "main"))
        #expect(harness.commands(to: worker).last == "listenerRefused")
        harness.report(worker, .listenerRequest(component: "A", listener: "main"))
        #expect(harness.recent.contains { if case .grantListener(worker, "A", "main", _) = $0 { true } else { false } })
    }

    @Test func reportsThatCrossAnOrderToEndMeanNothing() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.fail(worker, .run, "stop me")
        harness.report(worker, .activated)
        harness.report(worker, .ready)
        #expect(harness.step(of: worker) == .stopping)
        #expect(harness.signals(to: worker).isEmpty)
    }

    @Test func eventsOfAWorkerThatIsGoneMeanNothing() {
        var harness = Harness.running([Harness.unit("A")])
        let dead = harness.current("A")
        harness.exit(dead, .signalled(11))
        let log = harness.log.count
        harness.report(dead, .activated)
        harness.exit(dead, .signalled(11))
        if let dead { harness.handle(.channelEnded(dead)) }
        #expect(harness.log.count == log)
    }
}
