internal import CLinux
internal import ControlProtocol
internal import Glibc

/// The thread that listens to the supervisor, whatever the control thread is doing: it hands commands on, finds the
/// supervisor's death and SIGTERM, writes what the socket did not take at once, and sends the pulse.
///
/// After the supervisor's death or SIGTERM it sees to it that the process ends, even where the plugin hangs in a call.
final class SupervisorReader {
    /// How long a worker may go on by itself: the drain and a stop.
    static let lastWordsTimeout = Orphan.drainTimeout + Orphan.stopTimeout
    private static let pulseInterval = MonotonicTime.second
    /// Frames taken in one turn, so that a flood of commands does not stop the pulse.
    private static let framesPerTurn = 16

    private let channel: ControlChannel
    private let signals: Descriptor
    private let link: SupervisorLink
    private let queue: ControlQueue
    private let vitals: WorkerVitals
    /// Whom the process is called after, for the log.
    private let name: String
    private var descriptors = DescriptorWatch()
    private var nextPulse: UInt64
    private var isOpen = true
    /// Whole frames may be left in the channel, of which poll knows nothing.
    private var hasUnreadFrames = true
    /// When the process ends, come what may.
    private var lastMoment = UInt64.max

    /// SIGTERM must be blocked in every thread.
    init(
        _ channel: ControlChannel, link: SupervisorLink, queue: ControlQueue, vitals: WorkerVitals, name: String
    ) throws(ThreadFailure) {
        self.channel = channel
        self.link = link
        self.queue = queue
        self.vitals = vitals
        self.name = name
        var mask = sigset_t()
        sigemptyset(&mask)
        sigaddset(&mask, SIGTERM)
        let number = signalfd(-1, &mask, CInt(SFD_CLOEXEC | SFD_NONBLOCK))
        guard number >= 0 else { throw ThreadFailure("opening a signal descriptor", errno: errno) }
        signals = Descriptor(owning: number)
        nextPulse = MonotonicTime.after(MonotonicTime.now, Self.pulseInterval)
    }

    /// Never returns: the process ends by the control thread, or here at the last moment.
    func run() -> Never {
        while true {
            wait()
            let now = MonotonicTime.now
            if now >= lastMoment { _exit(1) }
            if isOpen { readCommands() }
            readSignals()
            link.outputWaits.clear()
            link.flush()
            if now >= nextPulse { sendPulse(at: now) }
        }
    }

    private func wait() {
        let output = link.hasPendingOutput ? POLLOUT : 0
        var entries = [
            // A negative number is passed over: the end of the stream would be readable for ever.
            pollfd(fd: isOpen ? channel.rawDescriptor : -1, events: Int16(POLLIN | output), revents: 0),
            pollfd(fd: signals.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: link.outputWaits.rawDescriptor, events: Int16(POLLIN), revents: 0),
        ]
        let now = MonotonicTime.now
        let next = min(nextPulse, lastMoment)
        _ = clinux_poll(&entries, entries.count, hasUnreadFrames || next <= now ? 0 : next - now)
    }

    private func readCommands() {
        do throws(ChannelError) {
            hasUnreadFrames = true
            for _ in 0..<Self.framesPerTurn {
                guard let received = try channel.receive(WorkerCommand.self) else {
                    hasUnreadFrames = false
                    return
                }
                post(received.message, received.descriptors)
            }
        } catch {
            isOpen = false
            hasUnreadFrames = false
            endSoon()
            queue.post(.supervisorGone(error.description))
        }
    }

    /// What comes from the bus has to find room; the rest is the lifecycle's, and little.
    private func post(_ command: WorkerCommand, _ descriptors: [Descriptor]) {
        if case .bus(let component, let command) = command, !queue.bus.admits(command, for: component) {
            if let report = queue.bus.turnAway(command, from: component) {
                try? link.report(.bus(component: component, report))
            }
            return
        }
        queue.post(.command(command, descriptors))
    }

    private func readSignals() {
        var information = signalfd_siginfo()
        let size = MemoryLayout<signalfd_siginfo>.size
        while read(signals.rawValue, &information, size) == size {
            endSoon()
            queue.post(.terminate)
        }
    }

    private func endSoon() {
        lastMoment = min(lastMoment, MonotonicTime.after(MonotonicTime.now, Self.lastWordsTimeout))
    }

    private func sendPulse(at now: UInt64) {
        // From now, not from the last one: after a pause of the whole process there is nothing to catch up with.
        nextPulse = MonotonicTime.after(now, Self.pulseInterval)
        guard isOpen else { return }
        if let (component, listener) = vitals.takeLostListener() {
            let reason =
                "its listener '\(listener)' was closed or shut down under it: the plugin must leave descriptors of the "
                + "host alone"
            queue.post(.componentFailed(component: component, reason: reason))
        }
        if let (level, sentence) = descriptors.look() {
            link.log(LogRecord(component: name, level: level, message: sentence))
        }
        if let stall = vitals.stall(at: now) {
            try? link.report(.stalled(stall))
            return
        }
        for (component, report) in queue.bus.takeDropped() { try? link.report(.bus(component: component, report)) }
        vitals.report(over: link)
    }
}

/// How a worker ends that nobody looks after any more, nanoseconds.
enum Orphan {
    static let quiesceTimeout = 2 * MonotonicTime.second
    static let drainTimeout = 30 * MonotonicTime.second
    static let stopTimeout = 5 * MonotonicTime.second
}
