import ControlProtocol
import PluginManifest
import Testing

@testable import Supervisor

/// Who takes part in the bus while the machine starts, restarts and reloads.
@Suite struct BusMembershipTests {
    private static func unit(_ name: String, option: Int64 = 1, _ bus: BusPlan) -> UnitPlan {
        var unit = MachineHarness.unit(name, option: option)
        unit.resolved = unit.resolved?.map { resolved in
            var resolved = resolved
            resolved.plan.bus = bus
            return resolved
        }
        return unit
    }

    private static let serving = BusPlan(uses: [BusUse(.serves, "jobs")])
    private static let calling = BusPlan(uses: [BusUse(.calls, "jobs")])
    private static let both = [unit("A", serving), unit("B", calling)]

    private func server(_ harness: MachineHarness, _ name: String = "A") -> WorkerID? {
        harness.machine.busMembership.component(name)?.server
    }

    @Test func theActiveWorkerOfEachComponentIsItsServer() {
        let harness = MachineHarness.running(Self.both)
        let membership = harness.machine.busMembership
        #expect(membership.components.map(\.name) == ["A", "B"])
        #expect(membership.components.map(\.server) == [harness.current("A"), harness.current("B")])
        #expect(membership.members.keys.sorted() == membership.components.compactMap(\.server).sorted())
        #expect(!membership.isStopping)
    }

    @Test func aWorkerTakesPartFromActivateOnAndServesOnlyOnceItIsActive() {
        var harness = MachineHarness()
        harness.ask(Self.both, by: .start)
        for _ in 0..<10 where harness.machine.transaction?.phase != .activating {
            if harness.machine.transaction?.phase == .resolving { harness.resolveAll() }
            for id in harness.machine.workers.keys.sorted() { _ = harness.step(id) }
        }
        #expect(harness.machine.transaction?.phase == .activating)
        #expect(harness.machine.busMembership.members.count == 2)
        // A call that one makes in its activate waits for the other.
        #expect(harness.machine.busMembership.components.map(\.isComing) == [true, true])
        #expect(server(harness) == nil)
        harness.settle()
        #expect(server(harness) != nil)
    }

    @Test func aReloadLeavesTheServerAloneUntilItIsQuiescedAndTheNextServesAfterTheCommit() {
        var harness = MachineHarness.running(Self.both)
        let old = harness.current("A")
        harness.ask([Self.unit("A", option: 2, Self.serving), Self.both[1]])
        #expect(server(harness) == old)
        var seen: [WorkerID?] = []
        for _ in 0..<100 {
            if harness.machine.transaction?.phase == .resolving { harness.resolveAll() }
            guard
                let id = harness.machine.workers.keys.sorted().first(where: { id in
                    var copy = harness
                    return copy.step(id)
                })
            else { break }
            _ = harness.step(id)
            seen.append(server(harness))
        }
        let servers = seen.reduce(into: [WorkerID?]()) { if $0.last != .some($1) { $0.append($1) } }
        #expect(servers == [old, nil, harness.current("A")], "\(servers)")
        #expect(harness.current("A") != old)
    }

    @Test func aWorkerThatDrainsStillSpeaksAndOneThatIsGoneDoesNot() throws {
        var harness = MachineHarness.running(Self.both)
        let old = try #require(harness.current("A"))
        harness.ask([Self.unit("A", option: 2, Self.serving), Self.both[1]])
        harness.settle(except: [old])
        harness.report(old, .released([:]))
        harness.settle(except: [old])
        #expect(harness.step(of: old) == .draining)
        #expect(harness.machine.busMembership.members[old] != nil)
        #expect(server(harness) != old)
        harness.settle()
        #expect(harness.machine.busMembership.members[old] == nil)
    }

    @Test func aComponentThatIsRestartedIsComingAndOneThatWaitsForAReloadIsNot() {
        var harness = MachineHarness.running(Self.both)
        harness.exit(harness.current("A"), .signalled(9))
        #expect(server(harness) == nil)
        #expect(harness.machine.busMembership.component("A")?.isComing == true)
        harness.fail(harness.current("A"), .prepare, "wrong", isConfiguration: true)
        harness.exit(harness.current("A"), .exited(78))
        #expect(harness.machine.busMembership.component("A")?.isComing == false)
        #expect(server(harness, "B") == harness.current("B"))
    }

    @Test func aHostThatStopsSaysSo() {
        var harness = MachineHarness.running(Self.both)
        harness.handle(.shutdownRequested)
        #expect(harness.machine.busMembership.isStopping)
        #expect(harness.machine.busMembership.components.allSatisfy { $0.server == nil })
    }

    @Test func otherBusSettingsReachTheWorkerWithoutARestart() throws {
        var harness = MachineHarness.running(Self.both)
        let (first, second) = (harness.current("A"), harness.current("B"))
        var narrowed = Self.serving
        narrowed.callers = ["jobs": []]
        harness.ask([Self.unit("A", narrowed), Self.both[1]])
        harness.settle()
        #expect(harness.receipts.last?.result == .committed)
        #expect(harness.outcome("A") == .narrowed && harness.outcome("B") == .unchanged)
        #expect(harness.current("A") == first && harness.current("B") == second)
        #expect(harness.commands(to: first) == ["bus"] && harness.commands(to: second).isEmpty)
        #expect(harness.machine.busMembership.component("A")?.plan == narrowed)
        // A worker that has to be started again is prepared with them.
        harness.exit(first, .signalled(9))
        harness.settle()
        let next = try #require(harness.current("A"))
        #expect(harness.machine.workers[next]?.plan.busPlans["A"] == narrowed)
    }

    @Test func otherBusSettingsAmongOtherChangesReachTheComponentThatGoesOn() {
        var harness = MachineHarness.running(Self.both)
        let second = harness.current("B")
        var denied = Self.calling
        denied.denied = ["jobs"]
        harness.ask([Self.unit("A", option: 2, Self.serving), Self.unit("B", denied)])
        harness.settle()
        #expect(harness.outcome("A") == .restarted && harness.outcome("B") == .narrowed)
        #expect(harness.commands(to: second) == ["bus"])
        #expect(harness.machine.busMembership.component("B")?.plan == denied)
    }

    @Test func otherUsesOfANewPluginTakeANewWorker() {
        var harness = MachineHarness.running(Self.both)
        let first = harness.current("A")
        harness.ask([Self.unit("A", Self.calling), Self.both[1]])
        harness.settle()
        #expect(harness.current("A") != first)
    }
}
