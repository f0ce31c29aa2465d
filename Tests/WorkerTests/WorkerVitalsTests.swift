@testable import Worker
import Testing

/// What decides whether the pulse is sent.
@Suite struct WorkerVitalsTests {
    private let vitals = WorkerVitals()
    private let engine = TestEngine()
    private let now = MonotonicTime.now
    private var late: UInt64 { now + WorkerVitals.patience + MonotonicTime.second }

    @Test func livesBeforeThereAreLoops() {
        #expect(vitals.stall(at: now) == nil)
    }

    @Test func diesWithALoopThatNoLongerTurns() {
        vitals.watch(engine)
        engine.setOldestTick(now)
        #expect(vitals.stall(at: now) == nil)
        #expect(vitals.stall(at: late) == .eventLoop)
        engine.setOldestTick(late)
        #expect(vitals.stall(at: late) == nil)
    }

    @Test func diesInACallbackThatDoesNotReturnAndLivesAfterIt() {
        vitals.duringCallback {
            #expect(vitals.stall(at: MonotonicTime.now) == nil)
            #expect(vitals.stall(at: late) == .controlThread)
        }
        #expect(vitals.stall(at: late) == nil)
    }
}
