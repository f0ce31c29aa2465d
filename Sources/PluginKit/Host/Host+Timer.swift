import MusterABI

/// A timer that was set. Dropping the value leaves it running; `cancel` ends it.
public struct Timer: Sendable {
    let link: HostLink
    let id: muster_timer_id
    let number: UInt

    /// Ends the timer. On the control thread: its closure is not called again. From another thread one call may be
    /// under way.
    public func cancel() {
        Host.timers.remove(UnsafeMutableRawPointer(bitPattern: number))
        guard link.isOpen, let timer = link.timer else { return }
        _ = timer.cancel(timer.context, id)
    }
}

extension Host {
    struct TimerAction: Sendable {
        let repeats: Bool
        let link: HostLink
        let body: @Sendable () throws -> Void
    }

    static let timers = Registry<TimerAction>()

    /// Calls `body` on the control thread after `delay`, and then each `interval` where one is given, each time with up
    /// to `jitter` added at random. The time begins with activate. What `body` throws is logged.
    ///
    /// Throws where the host lacks `muster.timer/1`, after stop, and beyond 10,000 timers.
    @discardableResult
    public func startTimer(
        after delay: Duration, every interval: Duration? = nil, jitter: Duration = .zero,
        _ body: @escaping @Sendable () throws -> Void
    ) throws(PluginError) -> Timer {
        guard link.isOpen, let timer = link.timer else { throw .lacking(.timer) }
        let action = TimerAction(repeats: interval != nil, link: link, body: body)
        let context = Self.timers.add(action)
        var options = muster_timer_options.sized()
        options.context = context
        options.delay = delay.wholeNanoseconds
        // An interval of nothing would mean "once" to the host.
        options.interval = interval.map { max(1, $0.wholeNanoseconds) } ?? 0
        options.jitter = jitter.wholeNanoseconds
        options.fire = { context, _ in
            guard let action = Host.timers.find(context) else { return }
            if !action.repeats { Host.timers.remove(context) }
            do {
                try action.body()
            } catch {
                Host(action.link).log.error("A timer's work failed.", ["error": "\(error)"])
            }
        }
        var id: muster_timer_id = 0
        let status = timer.start(timer.context, &options, &id)
        guard status == MUSTER_OK else {
            Self.timers.remove(context)
            throw PluginError("The host did not set a timer (status \(status)).")
        }
        return Timer(link: link, id: id, number: UInt(bitPattern: context))
    }
}
