@testable import Worker
import ControlProtocol
import FoundationEssentials
import MusterABI
import Testing

/// How a worker ends when nobody commands it any more, and how a drain ends.
@Suite struct EndingTests {
    @Test(arguments: [ControlEvent.terminate, .supervisorGone("closed")])
    func drainsAndEndsByItself(_ event: ControlEvent) throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        worker.queue.post(event)
        #expect(worker.waitForExit() == .done)
        #expect(plugin.notes.suffix(4) == ["quiesce", "release", "stop", "destroy"])
        #expect(worker.engine.calls(of: "A").contains("drain"))
    }

    @Test func drainsOnceThoughTheSupervisorsDeathComesTwice() throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["A": plugin])
        worker.engine.drains.store(false, ordering: .relaxed)
        try worker.bringUp(["A"])
        worker.command(.quiesce(deadline: .max))
        _ = try worker.nextReport()
        // A drain that takes until its deadline, and both signs of the death in the middle of it.
        let deadline = MonotonicTime.now + 300 * MonotonicTime.millisecond
        worker.command(.drain(deadline: deadline))
        worker.queue.post(.terminate)
        worker.queue.post(.supervisorGone("closed"))
        #expect(worker.waitForExit() == .done)
        #expect(MonotonicTime.now >= deadline)
    }

    @Test func endsAtOnceWhereNothingWasEverServed() throws {
        let plugin = TestPlugin()
        let worker = try WorkerHarness(["A": plugin])
        worker.prepare(["A"])
        #expect(try worker.nextReport() == .ready)
        worker.queue.post(.supervisorGone("closed"))
        #expect(worker.waitForExit() == .done)
        #expect(plugin.notes == ["create", "prepare", "stop", "destroy"])
        #expect(!worker.engine.calls(of: "A").contains("drain"))
    }

    @Test func saysDrainedAtTheDeadlineThoughAServerNeverDoes() throws {
        let worker = try WorkerHarness(["A": TestPlugin()])
        worker.engine.drains.store(false, ordering: .relaxed)
        try worker.bringUp(["A"])
        worker.command(.quiesce(deadline: .max))
        _ = try worker.nextReport()
        let deadline = MonotonicTime.now + 100 * MonotonicTime.millisecond
        worker.command(.drain(deadline: deadline))
        #expect(try worker.nextReport() == .drained)
        #expect(MonotonicTime.now >= deadline)
        #expect(worker.stop() == .done)
    }

    @Test func endsThoughReleaseFailsOnTheWay() throws {
        let plugin = TestPlugin()
        plugin.behaviours["release"] = { _, _ in MUSTER_FAILED }
        let worker = try WorkerHarness(["A": plugin])
        try worker.bringUp(["A"])
        #expect(worker.stop() == .done)
        #expect(plugin.notes.suffix(3) == ["release", "stop", "destroy"])
        try worker.readRemainingLog()
        #expect(worker.records.contains { $0.level == .warning && $0.message.contains("release") })
    }
}
