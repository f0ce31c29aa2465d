import ControlProtocol
import Testing

@testable import Supervisor

private typealias Harness = MachineHarness

@Suite struct ReloadTests {
    @Test func onlyWhatChangedIsRestarted() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        let (a, b) = (harness.current("A"), harness.current("B"))
        harness.ask([Harness.unit("A", option: 2), Harness.unit("B")])
        harness.settle()
        #expect(harness.current("A") != a)
        #expect(harness.current("B") == b)
        #expect(harness.outcome("A") == .restarted)
        #expect(harness.outcome("B") == .unchanged)
        #expect(harness.receipts.last?.components.first?.reason == "options changed")
    }

    @Test func aReplacedPluginIsAChange() {
        var harness = Harness.running([Harness.unit("A")])
        harness.ask([Harness.unit("A", code: "2", isKnown: false)])
        harness.settle()
        #expect(harness.outcome("A") == .restarted)
        #expect(harness.receipts.last?.components.first?.reason == "plugin changed")
    }

    @Test func aPluginFoundElsewhereWithTheSameContentIsNoChange() {
        var harness = Harness.running([Harness.unit("A")])
        var moved = Harness.unit("A")
        moved.plugins[0].originPath = "/elsewhere/libA.so"
        harness.ask([moved])
        #expect(harness.receipts.last?.result == .unchanged)
        #expect(harness.machine.unit("A")?.plan.plugins.first?.originPath == "/elsewhere/libA.so")
    }

    @Test func nothingChangedIsSaidAndTakesNoGeneration() {
        var harness = Harness.running([Harness.unit("A")])
        harness.ask([Harness.unit("A")], client: 7)
        #expect(harness.receipts.last?.result == .unchanged)
        #expect(harness.receipts.last?.generation == 1)
        #expect(harness.spawned.isEmpty)
        #expect(harness.recent.contains { if case .finished(_, clients: [7]) = $0 { true } else { false } })
    }

    @Test func theOldWorkerIsNotTouchedBeforeEveryNewOneIsReady() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        let (a, b) = (harness.current("A"), harness.current("B"))
        harness.ask([Harness.unit("A", option: 2), Harness.unit("B", option: 2)])
        let slow = harness.candidate("B")
        harness.report(slow, .loaded([]))
        harness.settle(except: Set([slow].compactMap(\.self)))
        #expect(harness.step(of: harness.candidate("A")) == .ready)
        #expect(harness.commands(to: a).isEmpty)
        #expect(harness.commands(to: b).isEmpty)
        harness.report(slow, .ready)
        #expect(harness.commands(to: a) == ["quiesce"])
        #expect(harness.commands(to: b) == ["quiesce"])
    }

    @Test func theNewWorkerIsActivatedOnlyWhenTheOldOneHasReleasedAndWithItsState() {
        var harness = Harness.running([Harness.unit("A")])
        let old = harness.current("A")
        harness.ask([Harness.unit("A", option: 2)])
        let new = harness.candidate("A")
        harness.report(new, .loaded([]))
        harness.resolveAll()
        harness.report(new, .ready)
        #expect(harness.step(of: new) == .ready)
        harness.report(old, .released(["A": .init("secret".utf8)]))
        #expect(harness.step(of: new) == .activating)
        #expect(harness.activationState(of: new) == ["A": .init("secret".utf8)])
        harness.report(new, .activated)
        #expect(harness.commands(to: old) == ["quiesce", "drain"])
        harness.report(old, .drained)
        #expect(harness.commands(to: old).last == "stop")
    }

    @Test func stateOfAComponentThatIsNotTheWorkersOwnIsNotHandedOn() {
        var harness = Harness.running([Harness.unit("A")])
        let old = harness.current("A")
        harness.ask([Harness.unit("A", option: 2), Harness.unit("B")])
        harness.settle(except: Set([old].compactMap(\.self)))
        harness.report(old, .released(["B": .init("forged".utf8)]))
        #expect(harness.activationState(of: harness.candidate("B")) == [:])
    }

    @Test func reloadKeepsOldGenerationWhenPluginFailsToPrepare() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        let (a, b) = (harness.current("A"), harness.current("B"))
        harness.ask([Harness.unit("A", option: 2), Harness.unit("B", option: 2)])
        for name in ["A", "B"] { harness.report(harness.candidate(name), .loaded([])) }
        harness.resolveAll()
        harness.fail(harness.candidate("B"), .prepare, "no such folder", isConfiguration: true)
        harness.settle()
        #expect(harness.receipts.last?.result == .refused)
        #expect(harness.outcome("B") == .failed)
        #expect(harness.outcome("A") == .unchanged)
        #expect(harness.current("A") == a)
        #expect(harness.current("B") == b)
        #expect(harness.commands(to: a).isEmpty)
        #expect(harness.machine.workers.count == 2)
        #expect(harness.machine.generation == 1)
    }

    @Test func aRefusedReloadNamesEveryComponentThatFailed() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B"), Harness.unit("C")])
        harness.ask(["A", "B", "C"].map { Harness.unit($0, option: 2) })
        for name in ["A", "B", "C"] { harness.report(harness.candidate(name), .loaded([])) }
        harness.resolveAll()
        harness.fail(harness.candidate("A"), .prepare, "a broke")
        harness.report(harness.candidate("B"), .ready)
        #expect(harness.receipts.isEmpty)
        harness.fail(harness.candidate("C"), .prepare, "c broke")
        #expect(harness.receipts.last?.components.map(\.outcome) == [.failed, .unchanged, .failed])
        #expect(harness.receipts.last?.diagnostics.count == 2)
    }

    @Test func aBrokenFileLeavesEverythingAsItIs() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.handle(.reloadRequested(.signal, client: nil, at: 1))
        harness.handle(.configurationRefused(["config.yaml:3:1: error: duplicate key"]))
        #expect(harness.receipts.last?.result == .refused)
        #expect(harness.receipts.last?.generation == 2)
        #expect(harness.current("A") == worker)
        #expect(harness.commands(to: worker).isEmpty)
    }

    @Test func aNewWorkerThatCrashesWhilePreparingRefusesTheReload() {
        var harness = Harness.running([Harness.unit("A")])
        let old = harness.current("A")
        harness.ask([Harness.unit("A", code: "2", isKnown: false)])
        harness.exit(harness.candidate("A"), .signalled(6))
        #expect(harness.receipts.last?.result == .refused)
        #expect(harness.receipts.last?.components.first?.reason == "it was ended by SIGABRT")
        #expect(harness.current("A") == old)
    }

    @Test func whenActivationFailsTheOldWorkerIsActivatedAgainWithItsState() {
        var harness = Harness.running([Harness.unit("A")])
        let old = harness.current("A")
        harness.ask([Harness.unit("A", option: 2)])
        let new = harness.candidate("A")
        harness.settle(except: Set([new].compactMap(\.self)))
        harness.report(new, .loaded([]))
        harness.resolveAll()
        harness.report(new, .ready)
        harness.report(old, .released(["A": .init("kept".utf8)]))
        harness.fail(new, .activate, "the lock is held")
        #expect(harness.step(of: old) == .released)
        harness.exit(new)
        #expect(harness.step(of: old) == .activating)
        #expect(harness.activationState(of: old) == ["A": .init("kept".utf8)])
        harness.report(old, .activated)
        #expect(harness.receipts.last?.result == .refused)
        #expect(harness.current("A") == old)
        #expect(harness.machine.generation == 1)
    }

    @Test func whenOneActivationFailsTheOthersGiveBackWhatTheyTook() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        let (a, b) = (harness.current("A"), harness.current("B"))
        harness.ask([Harness.unit("A", option: 2), Harness.unit("B", option: 2)])
        let (newA, newB) = (harness.candidate("A"), harness.candidate("B"))
        harness.settle(except: Set([newB].compactMap(\.self)))
        harness.report(newB, .loaded([]))
        harness.settle(except: Set([newB].compactMap(\.self)))
        harness.report(newB, .ready)
        harness.settle(except: Set([newB].compactMap(\.self)))
        #expect(harness.step(of: newA) == .active)
        #expect(harness.step(of: newB) == .activating)
        harness.fail(newB, .activate, "no")
        #expect(harness.commands(to: newA).last == "quiesce")
        harness.exit(newB)
        harness.report(newA, .released(["A": .init("newer".utf8)]))
        #expect(harness.activationState(of: a) == ["A": .init("newer".utf8)])
        harness.settle()
        #expect(harness.step(of: a) == .active)
        #expect(harness.step(of: b) == .active)
        #expect(harness.machine.workers.count == 2)
    }

    @Test func anOldWorkerThatDiesWhileItReleasesDoesNotStopTheCommit() {
        var harness = Harness.running([Harness.unit("A")])
        let old = harness.current("A")
        harness.ask([Harness.unit("A", option: 2)])
        harness.settle(except: Set([old].compactMap(\.self)))
        harness.exit(old, .signalled(11))
        harness.settle()
        #expect(harness.receipts.last?.result == .committed)
        #expect(harness.activationState(of: harness.current("A")) == [:])
    }

    @Test func anOldWorkerThatDoesNotReleaseIsKilledAndTheReloadGoesOn() {
        var harness = Harness.running([Harness.unit("A")])
        let old = harness.current("A")
        harness.ask([Harness.unit("A", option: 2)])
        harness.settle(except: Set([old].compactMap(\.self)))
        harness.pass(.seconds(3))
        #expect(harness.signals(to: old) == [9])
        harness.settle()
        #expect(harness.receipts.last?.result == .committed)
    }

    @Test func aDeadOldWorkerIsStartedAgainWhenTheReloadFailsAfterAll() {
        var harness = Harness.running([Harness.unit("A")])
        let old = harness.current("A")
        harness.ask([Harness.unit("A", option: 2)])
        let new = harness.candidate("A")
        harness.settle(except: Set([old].compactMap(\.self)))
        harness.exit(old, .signalled(11))
        harness.exit(new, .signalled(11))
        #expect(harness.receipts.last?.result == .refused)
        harness.settle()
        #expect(harness.step(of: harness.current("A")) == .active)
        #expect(harness.machine.unit("A")?.generation == 1)
    }

    @Test func aRemovedComponentIsQuiescedDrainedAndItsListenerUnbound() {
        var harness = Harness.running([Harness.unit("A", port: 80), Harness.unit("B", port: 81)])
        let removed = harness.current("B")
        harness.ask([Harness.unit("A", port: 80)])
        harness.settle()
        #expect(harness.commands(to: removed) == ["quiesce", "drain", "stop"])
        #expect(harness.outcome("B") == .removed)
        #expect(harness.retained?.map(\.port) == [80])
        #expect(harness.machine.units.count == 1)
    }

    @Test func anAddedComponentStartsBesideTheOthers() {
        var harness = Harness.running([Harness.unit("A")])
        let a = harness.current("A")
        harness.ask([Harness.unit("A"), Harness.unit("B", port: 81)])
        harness.settle()
        #expect(harness.outcome("B") == .added)
        #expect(harness.current("A") == a)
        #expect(harness.retained?.map(\.port) == [81])
    }

    @Test func anUnchangedListenerStaysBoundThroughAReload() {
        var harness = Harness.running([Harness.unit("A", port: 80)])
        harness.ask([Harness.unit("A", option: 2, port: 80)])
        harness.settle()
        for action in harness.log {
            if case .retainListeners(let addresses) = action { #expect(addresses.map(\.port) == [80]) }
        }
    }

    @Test func aPortThatMovesToAnotherComponentStaysBound() {
        let old = BindAddress(host: "::", port: 80, component: "A", listener: "main")
        let new = BindAddress(host: "::", port: 80, component: "B", listener: "other")
        #expect(old == new)
        #expect(
            BindAddress(host: "::", port: 0, component: "A", listener: "main")
                != BindAddress(host: "::", port: 0, component: "B", listener: "main"))
    }

    @Test func aThirdReloadWaitsForTheOldestDrainingWorkerToEnd() {
        var harness = Harness.running([Harness.unit("A")])
        var draining: Set<WorkerID> = []
        for option: Int64 in 2...3 {
            if let id = harness.current("A") { draining.insert(id) }
            harness.ask([Harness.unit("A", option: option)])
            for _ in 0..<20 {
                if harness.machine.transaction?.phase == .resolving { harness.resolveAll() }
                for id in harness.machine.workers.keys.sorted() where harness.step(of: id) != .draining {
                    _ = harness.step(id)
                }
            }
        }
        #expect(harness.receipts.count == 2)
        harness.ask([Harness.unit("A", option: 4)])
        #expect(harness.machine.transaction?.phase == .waitingForDrains)
        #expect(harness.machine.transaction?.candidates.isEmpty == true)
        harness.exit(draining.sorted().first)
        #expect(harness.machine.transaction?.phase == .loading)
    }

    @Test func aDrainThatTakesTooLongIsEndedBySignals() {
        var harness = Harness.running([Harness.unit("A")])
        let old = harness.current("A")
        harness.ask([Harness.unit("A", option: 2)])
        for _ in 0..<20 {
            if harness.machine.transaction?.phase == .resolving { harness.resolveAll() }
            for id in harness.machine.workers.keys.sorted() where harness.step(of: id) != .draining {
                _ = harness.step(id)
            }
        }
        harness.pass(.seconds(30))
        #expect(harness.signals(to: old).isEmpty)
        harness.pass(.seconds(1))
        #expect(harness.signals(to: old) == [15])
        harness.pass(.seconds(5))
        #expect(harness.signals(to: old) == [15, 9])
    }

    @Test func aReloadTriesAgainWhatWaitsForOne() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        let b = harness.current("B")
        harness.exit(harness.current("A"), .exited(78))
        harness.ask([Harness.unit("A"), Harness.unit("B")])
        harness.settle()
        #expect(harness.receipts.last?.result == .committed)
        #expect(harness.step(of: harness.current("A")) == .active)
        #expect(harness.current("B") == b)
    }

    @Test func aComponentThatCouldNotRunBeforeDoesNotRefuseTheReloadOfAnother() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        harness.exit(harness.current("A"), .exited(78))
        harness.ask([Harness.unit("A"), Harness.unit("B", option: 2)])
        for name in ["A", "B"] { harness.report(harness.candidate(name), .loaded([])) }
        harness.resolveAll()
        harness.fail(harness.candidate("A"), .prepare, "still no folder", isConfiguration: true)
        harness.settle()
        #expect(harness.receipts.last?.result == .committed)
        #expect(harness.outcome("A") == .failed)
        #expect(harness.outcome("B") == .restarted)
        #expect(harness.machine.unit("A")?.isWaiting == true)
    }

    @Test func aReloadOfNothingButWhatStillFailsIsRefused() {
        var harness = Harness.running([Harness.unit("A")])
        harness.exit(harness.current("A"), .exited(78))
        harness.ask([Harness.unit("A")])
        harness.exit(harness.candidate("A"), .exited(78))
        #expect(harness.receipts.last?.result == .refused)
        #expect(harness.machine.unit("A")?.isWaiting == true)
    }

    @Test func aRetryIsHeldDuringAReloadAndGoesOnWhenItIsRefused() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        harness.exit(harness.current("A"), .signalled(11))
        harness.exit(harness.current("A"), .exited(1))
        #expect(harness.machine.unit("A")?.retryAt != nil)
        harness.ask([Harness.unit("A"), Harness.unit("B", option: 2)])
        #expect(harness.machine.unit("A")?.retryAt == nil)
        harness.exit(harness.candidate("B"), .exited(1))
        harness.settle()
        #expect(harness.receipts.last?.result == .refused)
        harness.pass(.seconds(1))
        harness.settle()
        #expect(harness.step(of: harness.current("A")) == .active)
    }

    @Test func aWorkerThatDiesDuringPrepareIsRestartedMeanwhile() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        harness.ask([Harness.unit("A", option: 2), Harness.unit("B")])
        let dead = harness.current("A")
        harness.exit(dead, .signalled(11))
        #expect(harness.current("A") != nil && harness.current("A") != dead)
        harness.settle()
        #expect(harness.receipts.last?.result == .committed)
        #expect(harness.machine.unit("A")?.generation == 2)
        #expect(harness.machine.workers.count == 2)
    }

    @Test func changingTheIsolationHandsStatesOverByComponent() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        var shared = Harness.unit("shared")
        shared.plugins = Harness.unit("A").plugins + Harness.unit("B").plugins
        shared.resolved = [Harness.resolved("A"), Harness.resolved("B")]
        harness.ask([shared])
        harness.settle()
        #expect(harness.receipts.last?.result == .committed)
        #expect(harness.activationState(of: harness.current("shared"))?.keys.sorted() == ["A", "B"])
        #expect(harness.machine.componentStatuses(at: harness.now).map(\.name) == ["A", "B"])
    }

    // MARK: Asking

    @Test func signalsDuringAReloadAreOneMoreReload() {
        var harness = Harness.running([Harness.unit("A")])
        harness.ask([Harness.unit("A", option: 2)], by: .signal)
        for _ in 0..<1000 { harness.handle(.reloadRequested(.signal, client: nil, at: 2)) }
        harness.settle()
        #expect(harness.receipts.count == 1)
        #expect(harness.readings == 2)
    }

    @Test func tenThousandSignalsInTenSecondsAreAFewReloadsAndAFewLines() {
        var harness = Harness.running([Harness.unit("A")])
        for _ in 0..<10_000 {
            harness.now += .milliseconds(1)
            harness.ask([Harness.unit("A")], by: .signal)
            harness.answerReading([Harness.unit("A")])
        }
        #expect((1...6).contains(harness.readings))
        #expect(harness.logged(atLeast: .trace).count <= 6)
    }

    @Test func aSignalAfterTheStormIsAnsweredWithinSeconds() {
        var harness = Harness.running([Harness.unit("A")])
        for _ in 0..<100 {
            harness.ask([Harness.unit("A")], by: .signal)
            harness.pass(.milliseconds(10))
            harness.answerReading([Harness.unit("A")])
        }
        harness.log = []
        harness.handle(.reloadRequested(.signal, client: nil, at: 3))
        harness.pass(.seconds(4))
        #expect(harness.readings == 1)
    }

    @Test func aCommandDoesNotWaitForThePauseOfSignals() {
        var harness = Harness.running([Harness.unit("A")])
        harness.ask([Harness.unit("A")], by: .signal)
        harness.handle(.reloadRequested(.signal, client: nil, at: 2))
        #expect(harness.machine.transaction == nil)
        harness.ask([Harness.unit("A")], by: .command, client: 1)
        #expect(harness.receipts.count == 2)
        #expect(harness.receipts.last?.trigger == .command)
    }

    @Test func everyoneWhoAskedDuringAReloadGetsTheReceiptOfTheNext() {
        var harness = Harness.running([Harness.unit("A")])
        harness.ask([Harness.unit("A", option: 2)], client: 1)
        for client: ClientID in 2...4 { harness.handle(.reloadRequested(.command, client: client, at: 2)) }
        harness.handle(.clientLeft(3))
        harness.settle()
        harness.handle(.configurationRead(harness.proposal([Harness.unit("A", option: 2)])))
        let answered = harness.log.compactMap { action -> [ClientID]? in
            if case .finished(_, let clients) = action { clients } else { nil }
        }
        #expect(answered == [[1], [2, 4]])
    }
}
