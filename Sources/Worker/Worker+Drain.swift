internal import ControlProtocol
internal import Synchronization

extension Worker {
    /// Lets every exchange come to its end; `.drained` is posted when all have, or at the deadline.
    ///
    /// A second one while the first is under way moves the deadline only.
    func beginDrain(deadline: UInt64) {
        if var drain, !drain.isDone {
            drain.deadline = min(drain.deadline, deadline)
            self.drain = drain
            return
        }
        let number = (drain?.number ?? 0) + 1
        drain = Drain(number: number, deadline: deadline)
        for component in components { component.extensions.pauseAccepting() }
        let outstanding = Countdown(2 * components.count) { [queue] in queue.post(.drained(number)) }
        for component in components {
            component.extensions.http.drain(deadline: deadline) { outstanding.step() }
            component.extensions.bus.drain { outstanding.step() }
        }
    }

    /// The exchanges are over: says so, or ends the process where nobody listens.
    func finishDrain(_ number: Int) -> Exit? {
        guard var drain, drain.number == number, !drain.isDone else { return nil }
        drain.isDone = true
        self.drain = drain
        if endsAfterDrain { return end() }
        try? link.report(.drained)
        return nil
    }

    /// The deadline is a promise even where an extension does not keep it.
    func endOverdueDrain() -> Exit? {
        guard let drain, !drain.isDone, MonotonicTime.now >= drain.deadline else { return nil }
        return finishDrain(drain.number)
    }

    /// The supervisor has gone or asks by SIGTERM: finishes what is under way and ends. A worker that never served, or
    /// has drained, ends now.
    ///
    /// Only the first call counts: the supervisor's death comes as the end of the socket and as a signal.
    func endByItself() -> Exit? {
        guard !endsAfterDrain else { return nil }
        endsAfterDrain = true
        if let drain { return drain.isDone ? end() : nil }
        let now = MonotonicTime.now
        do throws(WorkerFailure) {
            if components.contains(where: { $0.state == .active }) {
                _ = try quiesce(deadline: MonotonicTime.after(now, Orphan.quiesceTimeout))
            } else if !components.contains(where: { $0.state == .released }) {
                return end()
            }
        } catch {
            let component = error.component ?? plan.name
            log(.warning, "\(error.stage.rawValue) on the way to the end: \(error.message)", component: component)
            return end()
        }
        beginDrain(deadline: MonotonicTime.after(now, Orphan.drainTimeout))
        return nil
    }
}

/// Calls a function when as many steps were taken as were asked for; at once for none. From any thread.
private final class Countdown: Sendable {
    private let left: Atomic<Int>
    private let whenDone: @Sendable () -> Void

    init(_ count: Int, whenDone: @escaping @Sendable () -> Void) {
        left = Atomic(count)
        self.whenDone = whenDone
        if count == 0 { whenDone() }
    }

    func step() {
        if left.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { whenDone() }
    }
}
