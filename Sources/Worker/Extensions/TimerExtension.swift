internal import Locks
internal import MusterABI

/// `muster.timer/1` of one component.
final class TimerExtension: @unchecked Sendable {
    // Safe to share: the table is made in init and only read from then on; what changes is behind a lock.

    /// Timers of one component.
    static let capacity = 10_000

    /// What the plugin wants to be called. The host hands the context back and does nothing else with it, so it may be
    /// moved between threads.
    private struct Callback: @unchecked Sendable {
        var fire: @convention(c) (UnsafeMutableRawPointer?, muster_timer_id) -> Void
        var context: UnsafeMutableRawPointer?
    }

    private struct State {
        var timers = TimerQueue<Callback>(capacity: TimerExtension.capacity)
        var hasStopped = false
    }

    private let state = Locked(State())
    /// Makes the control thread look at `nextDeadline` again.
    private let poke: @Sendable () -> Void
    private var storage: TableStorage<muster_timer>?

    init(poke: @escaping @Sendable () -> Void) {
        self.poke = poke
        var table = muster_timer()
        table.struct_size = UInt32(MemoryLayout<muster_timer>.size)
        table.abi_major = UInt16(MUSTER_ABI_MAJOR)
        table.abi_minor = UInt16(MUSTER_ABI_MINOR)
        table.context = Unmanaged.passUnretained(self).toOpaque()
        table.start = { context, options, id in
            TimerExtension.at(context)?.start(options, id) ?? MUSTER_INVALID
        }
        table.cancel = { context, id in TimerExtension.at(context)?.cancel(id) ?? MUSTER_INVALID }
        storage = TableStorage(table)
    }

    var table: UnsafePointer<muster_timer>? { storage?.pointer }

    private static func at(_ context: UnsafeMutableRawPointer?) -> TimerExtension? {
        context.map { Unmanaged<TimerExtension>.fromOpaque($0).takeUnretainedValue() }
    }

    // MARK: For the control thread

    /// Lets timers fire; those set before begin their time now.
    func arm() { state.withLock { $0.timers.arm(at: MonotonicTime.now) } }

    /// When to call `fireDue` next.
    var nextDeadline: UInt64? { state.withLock { $0.timers.nextDeadline } }

    /// Fires what is due, each timer once at most, so that an eager one does not keep the thread.
    func fireDue(_ call: (() -> Void) -> Void) {
        let now = MonotonicTime.now
        let limit = state.withLock { $0.timers.count }
        for _ in 0..<limit {
            // One by one: each may cancel the others.
            guard let due = state.withLock({ $0.timers.takeDue(at: now) }) else { return }
            call { due.payload.fire(due.payload.context, due.id) }
        }
    }

    /// Nothing fires any more, and nothing can be started.
    func stop() {
        state.withLock { state in
            state.hasStopped = true
            state.timers.removeAll()
        }
    }

    // MARK: For the plugin, on any thread

    private func start(
        _ options: UnsafePointer<muster_timer_options>?, _ id: UnsafeMutablePointer<muster_timer_id>?
    ) -> muster_status {
        guard let options = options?.read(atLeast: Int(MUSTER_TIMER_OPTIONS_SIZE_1_0)), let fire = options.fire else {
            return MUSTER_INVALID
        }
        let callback = Callback(fire: fire, context: options.context)
        let schedule = TimerQueue<Callback>.Schedule(
            delay: options.delay, interval: options.interval, jitter: options.jitter)
        let now = MonotonicTime.now
        let (status, number) = state.withLock { state -> (muster_status, UInt64) in
            guard !state.hasStopped else { return (MUSTER_WRONG_STATE, 0) }
            guard let number = state.timers.start(schedule, callback, at: now) else { return (MUSTER_BUSY, 0) }
            return (MUSTER_OK, number)
        }
        guard status == MUSTER_OK else { return status }
        id?.pointee = number
        poke()
        return MUSTER_OK
    }

    private func cancel(_ id: muster_timer_id) -> muster_status {
        state.withLock { $0.timers.cancel(id) } ? MUSTER_OK : MUSTER_GONE
    }
}
