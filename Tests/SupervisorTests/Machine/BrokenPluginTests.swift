import ControlProtocol
import Testing

@testable import Supervisor

private typealias Harness = MachineHarness

/// What is said of a plugin that breaks, and in which of its functions it was.
@Suite struct BrokenPluginTests {
    // MARK: At the start

    @Test(arguments: [WorkerFailure.Stage.load, .create])
    func aPluginThatCannotBeLoadedWaitsForAReloadWhileTheOthersStart(_ stage: WorkerFailure.Stage) {
        var harness = Harness()
        harness.ask([Harness.unit("A"), Harness.unit("B")], by: .start)
        harness.fail(harness.candidate("A"), stage, "undefined symbol", isConfiguration: true)
        harness.settle()
        #expect(harness.exits.isEmpty)
        #expect(harness.receipts.map(\.result) == [.committed])
        #expect(harness.step(of: harness.current("B")) == .active)
        let status = harness.machine.componentStatuses(at: harness.now).first
        #expect(status?.state == .waitingForReload)
        #expect(status?.message == "config.yaml:1:1: error: undefined symbol")
        harness.pass(.seconds(3600))
        #expect(harness.current("A") == nil)
    }

    @Test func aReloadIsRefusedForAPluginThatCannotBeLoaded() {
        var harness = Harness.running([Harness.unit("B")])
        let worker = harness.current("B")
        harness.ask([Harness.unit("A"), Harness.unit("B")])
        harness.fail(harness.candidate("A"), .load, "undefined symbol", isConfiguration: true)
        harness.settle()
        #expect(harness.receipts.last?.result == .refused)
        #expect(harness.current("B") == worker)
    }

    // MARK: Where it was

    @Test func aCrashIsToldWithTheFunctionThePlaceAndTheWayOut() {
        var harness = Harness(isCheck: true)
        harness.ask([Harness.unit("A", place: "config.yaml:7:3")], by: .start)
        harness.report(harness.candidate("A"), .calling(component: "A", .load))
        harness.exit(harness.candidate("A"), .signalled(11))
        harness.settle()
        #expect(
            harness.receipts.last?.diagnostics == [
                """
                config.yaml:7:3: error: A: it was ended by SIGSEGV, in the plugin's muster_plugin_entry_v1 (or a \
                constructor of its library): the fault is the plugin's; install another version of /plugins/libA.so, or \
                set 'enabled: false'
                """
            ])
    }

    @Test func aDeadlineIsToldWithTheFunctionThatDidNotReturn() {
        var harness = Harness()
        harness.ask([Harness.unit("A")], by: .start)
        let worker = harness.candidate("A")
        harness.report(worker, .loaded([]))
        harness.resolveAll()
        harness.report(worker, .calling(component: "A", .create))
        harness.report(worker, .calling(component: "A", .prepare))
        harness.pass(.seconds(10))
        harness.exit(worker, .signalled(9))
        let reason = harness.receipts.last?.components.first?.reason
        #expect(reason == "the plugin did not return from prepare within 10 s")
    }

    @Test func aFunctionThatHasReturnedIsNotBlamed() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.report(worker, .pulse(Pulse(listeners: [], loopLag: 0, droppedLogLines: 0)))
        harness.exit(worker, .signalled(11))
        #expect(harness.logged(of: "A") == ["it was ended by SIGSEGV; it is restarted at once"])
    }

    @Test func exit78InACallWaitsForAReloadAndIsNoFaultOfThePlugin() {
        var harness = Harness()
        harness.ask([Harness.unit("A")], by: .start)
        harness.report(harness.candidate("A"), .calling(component: "A", .load))
        harness.exit(harness.candidate("A"), .exited(78))
        harness.settle()
        #expect(harness.exits == [78])
    }

    // MARK: On the way out

    /// A reload of A whose older worker is being quiesced.
    private func handingOver() -> (Harness, old: WorkerID?) {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        let old = harness.current("A")
        harness.ask([Harness.unit("A", option: 2), Harness.unit("B")])
        for _ in 0..<10 where harness.step(of: old) != .quiescing {
            if harness.machine.transaction?.phase == .resolving { harness.resolveAll() }
            if let candidate = harness.candidate("A") { _ = harness.step(candidate) }
        }
        return (harness, old)
    }

    @Test(arguments: [true, false])
    func aCrashInQuiesceIsToldAndTheNewerOneServes(socketEndsFirst: Bool) {
        var (harness, old) = handingOver()
        harness.report(old, .calling(component: "A", .quiesce))
        if socketEndsFirst, let old { harness.handle(.channelEnded(old)) }
        harness.exit(old, .signalled(6))
        harness.settle()
        #expect(harness.receipts.last?.result == .committed)
        #expect(
            harness.logged(of: "A") == ["it was ended by SIGABRT, in the plugin's quiesce; its state is lost"])
    }

    @Test func aReleaseThatFailsIsToldAndTheNewerOneServes() {
        var (harness, old) = handingOver()
        harness.fail(old, .release, "the disk is full")
        harness.settle()
        #expect(harness.receipts.last?.result == .committed)
        #expect(harness.logged(of: "A") == ["the disk is full; its state is lost"])
    }

    @Test func aReleaseThatHangsIsToldByItsName() {
        var (harness, old) = handingOver()
        harness.report(old, .calling(component: "A", .quiesce))
        harness.report(old, .calling(component: "A", .release))
        harness.pass(.seconds(3))
        #expect(harness.signals(to: old) == [9])
        harness.settle()
        #expect(
            harness.logged(of: "A") == [
                "the plugin did not return from release within 2 s; it is killed and its state is lost"
            ])
    }

    @Test func aStopThatHangsIsToldWhenItIsKilled() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.handle(.shutdownRequested)
        harness.report(worker, .released([:]))
        harness.report(worker, .drained)
        harness.report(worker, .calling(component: "A", .stop))
        harness.pass(.seconds(5))
        #expect(harness.signals(to: worker) == [9])
        #expect(harness.logged(of: "A") == ["the plugin did not return from stop within 5 s; it is killed"])
        harness.exit(worker, .signalled(9))
        #expect(harness.exits == [0])
    }

    @Test func aCrashInStopIsTold() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.handle(.shutdownRequested)
        harness.report(worker, .released([:]))
        harness.report(worker, .drained)
        harness.report(worker, .calling(component: "A", .stop))
        harness.exit(worker, .signalled(6))
        #expect(
            harness.logged(of: "A") == ["on its way to the end, it was ended by SIGABRT, in the plugin's stop"])
    }

    @Test func anEndInGoodOrderIsNotWorthALine() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        harness.ask([Harness.unit("A", option: 2), Harness.unit("B")])
        harness.settle()
        #expect(harness.logged(of: "A").isEmpty)
    }

    // MARK: While it runs

    @Test func listenersAreInspectedWhoeverEnds() {
        var harness = Harness.running([Harness.unit("A")])
        harness.ask([Harness.unit("A", option: 2)])
        harness.log = []
        harness.settle()
        // The older one, which drained and was stopped, held the sockets as well.
        #expect(harness.log.contains { if case .inspectListeners = $0 { true } else { false } })
    }

    @Test(arguments: [
        (Stall.eventLoop, "its event loops were silent for 10 s, blocked by a handler"),
        (.controlThread, "its control thread was silent for 10 s, blocked by a timer"),
    ])
    func theWatchdogSaysWhatWasBlocked(_ stall: Stall, _ words: String) {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        for _ in 0..<10 {
            harness.report(worker, .stalled(stall))
            harness.pass(.seconds(1), pulsing: false)
        }
        #expect(harness.signals(to: worker) == [6])
        harness.exit(worker, .signalled(6))
        #expect(harness.logged(of: "A").first?.contains("the watchdog ended it: \(words)") == true)
    }

    @Test func aStallThatIsOverIsForgotten() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.report(worker, .stalled(.eventLoop))
        harness.pass(.seconds(1))
        harness.pass(.seconds(10), pulsing: false)
        harness.exit(worker, .signalled(6))
        #expect(harness.logged(of: "A").first?.contains("the process was stopped") == true)
    }

    @Test func droppedLogLinesAreToldAsTheyAreDropped() {
        var harness = Harness.running([Harness.unit("A")])
        for count in [0, 5, 5, 12] as [UInt64] {
            harness.report(harness.current("A"), .pulse(Pulse(listeners: [], loopLag: 0, droppedLogLines: count)))
        }
        #expect(
            harness.logged(of: "A") == [
                "5 of its log lines were dropped: it writes more than can be kept",
                "7 of its log lines were dropped: it writes more than can be kept",
            ])
    }
}
