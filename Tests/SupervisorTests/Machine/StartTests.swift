import ControlProtocol
import Testing

@testable import Supervisor

private typealias Harness = MachineHarness

@Suite struct StartTests {
    @Test func startRunsEveryComponentOfTheConfiguration() {
        var harness = Harness()
        harness.ask([Harness.unit("A"), Harness.unit("B")], by: .start)
        harness.settle()
        #expect(harness.step(of: harness.current("A")) == .active)
        #expect(harness.step(of: harness.current("B")) == .active)
        #expect(harness.receipts.map(\.result) == [.committed])
        #expect(harness.receipts.first?.components.map(\.outcome) == [.added, .added])
        #expect(harness.machine.generation == 1)
    }

    @Test func startTellsEveryDiagnosticAndExitsWith78WhenTheFileIsWrong() {
        var harness = Harness()
        harness.handle(.reloadRequested(.start, client: nil, at: 1))
        harness.handle(.configurationRefused(["config.yaml:1:1: error: a", "config.yaml:2:1: error: b"]))
        #expect(harness.receipts.first?.diagnostics.count == 2)
        #expect(
            harness.logged(atLeast: .error).prefix(2) == ["config.yaml:1:1: error: a", "config.yaml:2:1: error: b"])
        #expect(harness.exits == [78])
    }

    @Test func startListsWrongOptionsOfAllComponentsAndEndsTheirWorkersBeforeItExits() {
        var harness = Harness()
        harness.ask([Harness.unit("A", isKnown: false), Harness.unit("B", isKnown: false)], by: .start)
        let workers = [harness.candidate("A"), harness.candidate("B")]
        for worker in workers { harness.report(worker, .loaded([])) }
        harness.handle(.resolved(proposal: 1, ["A": .wrong(["a is wrong"]), "B": .wrong(["b is wrong"])]))
        #expect(harness.receipts.first?.diagnostics == ["a is wrong", "b is wrong"])
        #expect(harness.exits.isEmpty)
        harness.settle()
        #expect(harness.exits == [78])
        #expect(harness.machine.workers.isEmpty)
    }

    @Test func aComponentThatCrashesAtTheStartDoesNotStopTheOthers() {
        var harness = Harness()
        harness.ask([Harness.unit("A"), Harness.unit("B")], by: .start)
        harness.exit(harness.candidate("A"), .signalled(11))
        harness.settle()
        #expect(harness.step(of: harness.current("B")) == .active)
        #expect(harness.outcome("A") == .failed)
        #expect(harness.outcome("B") == .added)
        #expect(harness.machine.componentStatuses(at: harness.now).first?.state == .retrying)
        harness.pass(.milliseconds(250))
        harness.settle()
        #expect(harness.step(of: harness.current("A")) == .active)
    }

    @Test func aComponentThatHangsInPrepareIsKilledAndTheOthersServe() {
        var harness = Harness()
        harness.ask([Harness.unit("A"), Harness.unit("B")], by: .start)
        let hanging = harness.candidate("A")
        harness.report(hanging, .loaded([]))
        harness.report(harness.candidate("B"), .loaded([]))
        harness.resolveAll()
        harness.report(harness.candidate("B"), .ready)
        harness.pass(.seconds(10))
        #expect(harness.signals(to: hanging) == [9])
        harness.settle()
        #expect(harness.step(of: harness.current("B")) == .active)
        #expect(harness.receipts.last?.components.first?.reason == "it did not answer 'prepare' within 10 s")
    }

    @Test func aPluginThatRefusesItsConfigurationInPrepareStopsTheStart() {
        var harness = Harness()
        harness.ask([Harness.unit("A"), Harness.unit("B")], by: .start)
        for name in ["A", "B"] { harness.report(harness.candidate(name), .loaded([])) }
        harness.resolveAll()
        harness.fail(harness.candidate("A"), .prepare, "no such folder", isConfiguration: true)
        harness.settle()
        #expect(harness.exits == [78])
        #expect(harness.receipts.first?.diagnostics == ["config.yaml:1:1: error: no such folder"])
    }

    @Test func aComponentWhoseLoadFailedAtTheStartIsResolvedWhenItLoadsLater() {
        var harness = Harness()
        harness.ask([Harness.unit("A", isKnown: false), Harness.unit("B")], by: .start)
        harness.exit(harness.candidate("A"), .exited(1))
        harness.settle()
        harness.pass(.milliseconds(250))
        let worker = harness.current("A")
        harness.report(worker, .loaded([]))
        #expect(harness.recent.contains { if case .resolve(_, ["A"]) = $0 { true } else { false } })
        harness.handle(.resolved(proposal: 1, ["A": .plans([Harness.resolved("A", port: 80)])]))
        harness.settle()
        #expect(harness.step(of: worker) == .active)
        #expect(harness.retained?.map(\.port) == [80])
    }

    @Test func anEmptyConfigurationStarts() {
        var harness = Harness()
        harness.ask([], by: .start)
        #expect(harness.receipts.map(\.result) == [.committed])
        #expect(harness.machine.phase == .running)
    }

    @Test func aWorkerThatCannotBeSpawnedIsTriedAgain() {
        var harness = Harness()
        harness.ask([Harness.unit("A")], by: .start)
        if let id = harness.candidate("A") { harness.handle(.spawnFailed(id, reason: "fork: no memory")) }
        #expect(harness.receipts.last?.components.first?.reason == "fork: no memory")
        harness.pass(.milliseconds(250))
        #expect(harness.current("A") != nil)
    }

    @Test func checkPreparesEverythingThenEndsItAndExitsZero() {
        var harness = Harness(isCheck: true)
        harness.ask([Harness.unit("A"), Harness.unit("B")], by: .start)
        harness.settle()
        #expect(harness.exits == [0])
        #expect(harness.spawned.allSatisfy { !harness.commands(to: $0).contains("activate") })
    }

    @Test func checkFailsWhereAComponentCannotBePrepared() {
        var harness = Harness(isCheck: true)
        harness.ask([Harness.unit("A")], by: .start)
        harness.fail(harness.candidate("A"), .load, "undefined symbol")
        harness.settle()
        #expect(harness.exits == [1])
        #expect(harness.receipts.last?.result == .refused)
    }
}
