@testable import Worker
import Testing

@Suite struct LifecycleTableTests {
    private typealias Step = ComponentLifecycle.Step

    @Test func followsTheDiagramOfTheHeader() {
        var lifecycle = ComponentLifecycle()
        let steps: [Step] = [
            .create, .prepare, .activate, .quiesce, .release, .activate, .quiesce, .release, .stop, .destroy,
        ]
        for step in steps {
            let mayBegin = lifecycle.begin(step)
            #expect(mayBegin)
            #expect(!lifecycle.allows(step), "no call may come into another")
            lifecycle.end(succeeded: true)
        }
        #expect(lifecycle.state == .destroyed)
        for step in Step.allCases { #expect(!lifecycle.allows(step)) }
    }

    @Test func leadsToItsEndFromWhereverRandomCallsAndFailuresHaveLeft() {
        for _ in 0..<2_000 {
            var lifecycle = ComponentLifecycle()
            var calls: [Step: Int] = [:]
            for _ in 0..<Int.random(in: 0...8) {
                let step = Step.allCases.randomElement() ?? .create
                guard lifecycle.begin(step) else { continue }
                calls[step, default: 0] += 1
                lifecycle.end(succeeded: Bool.random() || step == .stop || step == .destroy)
            }
            for step in lifecycle.stepsToEnd where lifecycle.begin(step) {
                calls[step, default: 0] += 1
                lifecycle.end(succeeded: Bool.random() || step == .stop || step == .destroy)
            }
            #expect(lifecycle.state == .destroyed || lifecycle.state == .new)
            #expect(calls[.destroy, default: 0] <= 1 && calls[.stop, default: 0] <= 1)
        }
    }

    @Test func destroysOnlyAfterAFailedPrepare() {
        var lifecycle = ComponentLifecycle()
        _ = lifecycle.begin(.create)
        lifecycle.end(succeeded: true)
        _ = lifecycle.begin(.prepare)
        lifecycle.end(succeeded: false)
        #expect(lifecycle.stepsToEnd == [.destroy])
        #expect(!lifecycle.allows(.stop))
    }

    @Test func destroysNothingThatWasNotCreated() {
        var lifecycle = ComponentLifecycle()
        _ = lifecycle.begin(.create)
        lifecycle.end(succeeded: false)
        #expect(lifecycle.stepsToEnd == [])
        #expect(!lifecycle.allows(.destroy))
    }
}
