/// Where a component stands between create and destroy, and which call may come next: the diagram at `muster_component`
/// as a table. Pure; `ComponentRuntime` makes the calls.
///
///     state      | create   prepare   activate  quiesce   release   stop     destroy
///     -----------+------------------------------------------------------------------
///     new        | created
///     created    |          prepared                                         destroyed
///     prepared   |                    active                        stopped
///     active     |                              quiesced
///     quiesced   |                                        released
///     released   |                    active                        stopped
///     broken     |                                                  stopped
///     unprepared |                                                           destroyed
///     stopped    |                                                           destroyed
///
/// A failed create leads to destroyed, a failed prepare to unprepared, any other failure to broken.
struct ComponentLifecycle: Equatable {
    enum Step: String, CaseIterable, Sendable {
        case create, prepare, activate, quiesce, release, stop, destroy
    }

    enum State: Equatable, Sendable, CaseIterable {
        case new, created, prepared, active, quiesced, released, broken, unprepared, stopped, destroyed
    }

    private(set) var state = State.new
    /// The step under way: the plugin is in that call.
    private(set) var current: Step?

    /// Where a step leads when it works; nil: it may not come now.
    private func target(of step: Step) -> State? {
        switch (state, step) {
        case (.new, .create): .created
        case (.created, .prepare): .prepared
        case (.prepared, .activate), (.released, .activate): .active
        case (.active, .quiesce): .quiesced
        case (.quiesced, .release): .released
        case (.prepared, .stop), (.released, .stop), (.broken, .stop): .stopped
        case (.created, .destroy), (.unprepared, .destroy), (.stopped, .destroy): .destroyed
        default: nil
        }
    }

    /// Whether the step may come now.
    func allows(_ step: Step) -> Bool { current == nil && target(of: step) != nil }

    /// Notes that the plugin is being called; false: it must not be.
    mutating func begin(_ step: Step) -> Bool {
        guard allows(step) else { return false }
        current = step
        return true
    }

    /// Notes how the step under way ended.
    mutating func end(succeeded: Bool) {
        guard let step = current, let target = target(of: step) else { return }
        current = nil
        switch step {
        case _ where succeeded: state = target
        case .create: state = .destroyed
        case .prepare: state = .unprepared
        default: state = .broken
        }
    }

    /// The calls that bring it to its end in good order, whatever the state.
    var stepsToEnd: [Step] {
        switch state {
        case .new, .destroyed: []
        case .created, .unprepared, .stopped: [.destroy]
        case .prepared, .released, .broken: [.stop, .destroy]
        case .active: [.quiesce, .release, .stop, .destroy]
        case .quiesced: [.release, .stop, .destroy]
        }
    }
}
