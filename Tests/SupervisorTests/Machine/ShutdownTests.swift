import ControlProtocol
import Testing

@testable import Supervisor

private typealias Harness = MachineHarness

@Suite struct ShutdownTests {
    @Test func terminationQuiescesDrainsStopsAndExitsZero() {
        var harness = Harness.running([Harness.unit("A", port: 80)])
        let worker = harness.current("A")
        harness.handle(.shutdownRequested)
        #expect(harness.commands(to: worker) == ["quiesce"])
        #expect(harness.machine.hostPhase == .stopping)
        harness.settle()
        #expect(harness.commands(to: worker) == ["quiesce", "drain", "stop"])
        #expect(harness.exits == [0])
    }

    @Test func listenersAreClosedWhenNobodyAcceptsAnyMoreAndNotBefore() {
        var harness = Harness.running([Harness.unit("A", port: 80), Harness.unit("B", port: 81)])
        let (a, b) = (harness.current("A"), harness.current("B"))
        harness.handle(.shutdownRequested)
        harness.report(a, .released([:]))
        #expect(harness.retained == nil)
        harness.report(b, .released([:]))
        #expect(harness.retained == [])
    }

    @Test func aSecondSignalKillsEverythingAndExits() {
        var harness = Harness.running([Harness.unit("A"), Harness.unit("B")])
        let (a, b) = (harness.current("A"), harness.current("B"))
        harness.handle(.shutdownRequested)
        harness.handle(.shutdownRequested)
        #expect(harness.signals(to: a) == [9])
        #expect(harness.signals(to: b) == [9])
        harness.exit(a, .signalled(9))
        harness.exit(b, .signalled(9))
        #expect(harness.exits == [1])
    }

    @Test func aWorkerThatDiesWhileStoppingIsNotRestarted() {
        var harness = Harness.running([Harness.unit("A")])
        harness.handle(.shutdownRequested)
        harness.exit(harness.spawned.last ?? harness.machine.workers.keys.first, .signalled(11))
        #expect(harness.spawned.isEmpty)
        #expect(harness.exits == [0])
    }

    @Test func terminationDuringAReloadEndsBothGenerations() {
        var harness = Harness.running([Harness.unit("A")])
        harness.ask([Harness.unit("A", option: 2)], client: 5)
        let new = harness.candidate("A")
        harness.handle(.shutdownRequested)
        #expect(harness.recent.contains { if case .refuse(clients: [5], _) = $0 { true } else { false } })
        #expect(harness.commands(to: new) == ["stop"])
        harness.settle()
        #expect(harness.exits == [0])
    }

    @Test func terminationBetweenReleaseAndActivationDrainsTheOldWorker() {
        var harness = Harness.running([Harness.unit("A")])
        let old = harness.current("A")
        harness.ask([Harness.unit("A", option: 2)])
        let new = harness.candidate("A")
        harness.settle(except: Set([new].compactMap(\.self)))
        harness.report(new, .loaded([]))
        harness.resolveAll()
        harness.report(new, .ready)
        harness.report(old, .released([:]))
        harness.handle(.shutdownRequested)
        #expect(harness.commands(to: old).last == "drain")
        harness.settle()
        #expect(harness.exits == [0])
    }

    @Test func terminationDuringTheStartExitsZeroWhenEverythingIsGone() {
        var harness = Harness()
        harness.ask([Harness.unit("A")], by: .start)
        harness.handle(.shutdownRequested)
        #expect(harness.exits.isEmpty)
        harness.settle()
        #expect(harness.exits == [0])
    }

    @Test func terminationBeforeTheConfigurationIsReadExitsAtOnce() {
        var harness = Harness()
        harness.handle(.reloadRequested(.start, client: nil, at: 1))
        harness.handle(.shutdownRequested)
        #expect(harness.exits == [0])
        #expect(harness.handle(.configurationRead(harness.proposal([Harness.unit("A")]))).isEmpty)
    }

    @Test func aReloadAskedForWhileStoppingIsRefused() {
        var harness = Harness.running([Harness.unit("A")])
        harness.handle(.shutdownRequested)
        harness.handle(.reloadRequested(.command, client: 9, at: 2))
        #expect(harness.recent.contains { if case .refuse(clients: [9], _) = $0 { true } else { false } })
    }

    @Test func aWorkerThatIgnoresEverythingIsKilledInTheEnd() {
        var harness = Harness.running([Harness.unit("A")])
        let worker = harness.current("A")
        harness.handle(.shutdownRequested)
        harness.pass(.seconds(3))
        #expect(harness.signals(to: worker) == [9])
        harness.exit(worker, .signalled(9))
        #expect(harness.exits == [0])
    }

    @Test func aProcessThatIsStuckInTheKernelDoesNotHoldTheExitUp() {
        var harness = Harness.running([Harness.unit("A")])
        harness.handle(.shutdownRequested)
        harness.handle(.shutdownRequested)
        harness.pass(.seconds(6))
        #expect(harness.exits == [1])
        #expect(harness.logged(atLeast: .error).contains { $0.contains("stuck in the kernel") })
    }
}
