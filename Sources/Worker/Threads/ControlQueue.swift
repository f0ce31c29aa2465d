internal import Locks
internal import CLinux

/// The way to the control thread: every other thread posts, the control thread takes.
final class ControlQueue: Sendable {
    private let events = Locked<[ControlEvent]>([])
    private let wake: WakeEvent
    /// How much of it comes from the bus.
    let bus = BusGate()

    init() throws(ThreadFailure) {
        wake = try WakeEvent()
    }

    /// [any thread]
    func post(_ event: ControlEvent) {
        events.withLock { $0.append(event) }
        wake.raise()
    }

    /// Makes a waiting `next` return, to look at timers and finished work again. [any thread]
    func poke() { wake.raise() }

    /// The next event, or nil at `deadline` (CLOCK_MONOTONIC, nanoseconds) or after a poke. [control thread]
    func next(until deadline: UInt64) -> ControlEvent? {
        if let event = take() { return event }
        let now = MonotonicTime.now
        if now < deadline {
            var entry = pollfd(fd: wake.rawDescriptor, events: Int16(POLLIN), revents: 0)
            _ = clinux_poll(&entry, 1, deadline == .max ? .max : deadline - now)
        }
        // Cleared before the look: what is posted after it raises the event again.
        wake.clear()
        return take()
    }

    private func take() -> ControlEvent? {
        events.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}
