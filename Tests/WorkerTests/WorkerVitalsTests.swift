@testable import Worker
import Testing

/// What decides whether the pulse is sent.
@Suite struct WorkerVitalsTests {
    private let vitals = WorkerVitals()
    private let engine = TestEngine()
    private let now = MonotonicTime.now
    private var late: UInt64 { now + WorkerVitals.patience + MonotonicTime.second }

    @Test func livesBeforeThereAreLoops() {
        #expect(vitals.isAlive(at: now))
    }

    @Test func diesWithALoopThatNoLongerTurns() {
        vitals.watch(engine)
        engine.setOldestTick(now)
        #expect(vitals.isAlive(at: now))
        #expect(!vitals.isAlive(at: late))
        engine.setOldestTick(late)
        #expect(vitals.isAlive(at: late))
    }

    @Test func diesInACallbackThatDoesNotReturnAndLivesAfterIt() {
        vitals.duringCallback {
            #expect(vitals.isAlive(at: MonotonicTime.now))
            #expect(!vitals.isAlive(at: late))
        }
        #expect(vitals.isAlive(at: late))
    }
}
