@testable import Worker
import Testing

@Suite struct TimerQueueTests {
    private typealias Queue = TimerQueue<String>

    private func armed(capacity: Int = 100, jitter: @escaping @Sendable (UInt64) -> UInt64 = { _ in 0 }) -> Queue {
        var queue = Queue(capacity: capacity, jitter: jitter)
        queue.arm(at: 0)
        return queue
    }

    private func once(_ delay: UInt64) -> Queue.Schedule { Queue.Schedule(delay: delay, interval: 0, jitter: 0) }

    /// Everything due at a time, in order.
    private func due(_ queue: inout Queue, at now: UInt64) -> [String] {
        var payloads: [String] = []
        while let due = queue.takeDue(at: now) { payloads.append(due.payload) }
        return payloads
    }

    private func cancel(_ id: UInt64, in queue: inout Queue) -> Bool { queue.cancel(id) }

    private func start(_ schedule: Queue.Schedule, _ payload: String, in queue: inout Queue, at now: UInt64 = 0)
        -> UInt64?
    {
        queue.start(schedule, payload, at: now)
    }

    private func next(_ queue: inout Queue) -> UInt64? { queue.nextDeadline }

    private func take(_ queue: inout Queue, at now: UInt64) -> String? { queue.takeDue(at: now)?.payload }

    @Test func firesInTheOrderOfTime() {
        var queue = armed()
        for delay in [30, 10, 20] as [UInt64] { _ = queue.start(once(delay), "\(delay)", at: 0) }
        #expect(next(&queue) == 10)
        #expect(due(&queue, at: 9) == [])
        #expect(due(&queue, at: 25) == ["10", "20"])
        #expect(due(&queue, at: 30) == ["30"])
        #expect(next(&queue) == nil)
    }

    @Test func beginsTheTimeOfEarlyTimersWhenItIsArmed() {
        var queue = Queue(capacity: 10) { _ in 0 }
        _ = queue.start(once(10), "early", at: 0)
        #expect(due(&queue, at: 1_000) == [])
        #expect(next(&queue) == nil)
        queue.arm(at: 1_000)
        #expect(next(&queue) == 1_010)
        queue.arm(at: 2_000)
        #expect(next(&queue) == 1_010)
    }

    @Test func makesMissedCallsOne() {
        var queue = armed()
        _ = queue.start(Queue.Schedule(delay: 10, interval: 10, jitter: 0), "tick", at: 0)
        #expect(due(&queue, at: 10) == ["tick"])
        #expect(due(&queue, at: 57) == ["tick"])
        #expect(next(&queue) == 60)
    }

    @Test func addsJitterToEachWaitAndLetsItNotAddUp() {
        var queue = armed { $0 }
        _ = queue.start(Queue.Schedule(delay: 10, interval: 100, jitter: 7), "tick", at: 0)
        #expect(next(&queue) == 17)
        #expect(due(&queue, at: 17) == ["tick"])
        #expect(next(&queue) == 117)
    }

    @Test func cancelsOnceAndForgets() throws {
        var queue = armed()
        let id = try #require(start(once(10), "x", in: &queue, at: 0))
        #expect(cancel(id, in: &queue))
        #expect(cancel(id, in: &queue) == false)
        #expect(due(&queue, at: 100) == [])
        let second = try #require(start(once(10), "y", in: &queue, at: 0))
        #expect(second != id && second != 0)
        #expect(due(&queue, at: 100) == ["y"])
        #expect(cancel(second, in: &queue) == false)
    }

    @Test func refusesTimersBeyondItsCapacity() throws {
        var queue = armed(capacity: 2)
        let first = try #require(start(once(1), "a", in: &queue, at: 0))
        _ = queue.start(once(1), "b", at: 0)
        #expect(start(once(1), "c", in: &queue) == nil)
        #expect(cancel(first, in: &queue))
        #expect(start(once(1), "c", in: &queue) != nil)
    }

    @Test func staysSmallWhateverIsStartedAndCancelled() throws {
        var queue = armed()
        for round in 0..<100_000 as Range<UInt64> {
            let id = try #require(start(once(1_000_000 + round), "x", in: &queue, at: round))
            #expect(cancel(id, in: &queue))
        }
        #expect(queue.count == 0)
        #expect(next(&queue) == nil)
    }

    @Test func countsTimesNearTheEndOfTheClockWithoutWrapping() {
        var queue = armed { $0 }
        _ = queue.start(Queue.Schedule(delay: .max, interval: .max, jitter: .max), "never", at: .max - 5)
        #expect(next(&queue) == .max)
        #expect(take(&queue, at: .max) == "never")
        #expect(next(&queue) == .max)
        var often = armed()
        _ = often.start(Queue.Schedule(delay: 0, interval: 1, jitter: 0), "often", at: 0)
        #expect(take(&often, at: .max - 1) == "often")
        #expect(next(&often) == .max)
    }

    @Test func agreesWithASortedListOverRandomSequences() {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            var queue = armed()
            var model: [UInt64: UInt64] = [:]
            var now: UInt64 = 0
            for _ in 0..<200 {
                switch UInt8.random(in: 0..<4, using: &generator) {
                case 0, 1:
                    let delay = UInt64.random(in: 0...50, using: &generator)
                    if let id = queue.start(once(delay), "", at: now) { model[id] = now + delay }
                case 2:
                    guard let id = model.keys.randomElement(using: &generator) else { continue }
                    #expect(cancel(id, in: &queue))
                    model[id] = nil
                default:
                    now += UInt64.random(in: 0...20, using: &generator)
                    var fired: [UInt64] = []
                    while let due = queue.takeDue(at: now) { fired.append(due.id) }
                    #expect(Set(fired) == Set(model.filter { $0.value <= now }.keys))
                    model = model.filter { $0.value > now }
                }
                #expect(next(&queue) == model.values.min())
            }
        }
    }
}
