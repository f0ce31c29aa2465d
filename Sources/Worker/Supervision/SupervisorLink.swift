internal import Locks
internal import CLinux
internal import ControlProtocol
internal import Synchronization

/// The worker's voice: reports to the supervisor, from any thread, without ever blocking.
///
/// Its channel only sends; the supervisor's commands are read by `SupervisorReader` over the same descriptor.
final class SupervisorLink: Sendable {
    /// Log lines are dropped while this many bytes wait; what the lifecycle needs still fits above.
    static let logBacklogLimit = 1 << 20

    private let channel: Locked<ControlChannel>
    /// Raised when output is left for the reader thread to flush.
    let outputWaits: WakeEvent
    private let dropped = Atomic<UInt64>(0)

    init(_ descriptor: Descriptor) throws(ThreadFailure) {
        channel = Locked(ControlChannel(descriptor))
        outputWaits = try WakeEvent()
    }

    /// Log lines that were dropped since the start.
    var droppedLogLines: UInt64 { dropped.load(ordering: .relaxed) }

    /// Sends a report. A supervisor that has gone is no error here: the reader finds the end of the stream.
    func report(_ report: WorkerReport) throws(ChannelError) {
        let frame = try EncodedFrame(report)
        do {
            try send(frame)
        } catch  where error.code != .overflow && error.code != .tooLarge {
            return
        }
    }

    /// Counts a log line that is not even sent.
    func dropLogLine() { dropped.add(1, ordering: .relaxed) }

    /// Sends something for the bus; false where `limit` bytes wait already, or it could not be sent.
    func send(_ report: BusReport, of component: String, limit: Int) -> Bool {
        // As with a log line: a flood costs little.
        guard hasRoom(limit), let frame = try? EncodedFrame(WorkerReport.bus(component: component, report)),
            hasRoom(limit)
        else { return false }
        do {
            try send(frame)
            return true
        } catch {
            // A supervisor that has gone hears nothing any more; the worker is about to learn of it.
            return error.code != .overflow && error.code != .tooLarge
        }
    }

    /// Sends a log line, or counts it as dropped where the supervisor does not keep up.
    func log(_ record: LogRecord) {
        // Looked at before the line is encoded, so that a flood costs little, and again after.
        guard hasRoom(Self.logBacklogLimit), let frame = try? EncodedFrame(WorkerReport.log(record)),
            hasRoom(Self.logBacklogLimit)
        else {
            dropped.add(1, ordering: .relaxed)
            return
        }
        do {
            try send(frame)
        } catch {
            dropped.add(1, ordering: .relaxed)
        }
    }

    var hasPendingOutput: Bool { channel.withLock { $0.hasPendingOutput } }

    /// Writes what waits, as far as the socket takes it.
    func flush() {
        channel.withLock { channel in
            // A failure is found by the reader, as the end of the stream.
            try? channel.flush()
        }
    }

    /// Writes what waits before the process ends, until `deadline` (CLOCK_MONOTONIC, nanoseconds). Blocks.
    func flush(until deadline: UInt64) {
        while hasPendingOutput {
            let now = MonotonicTime.now
            guard now < deadline else { return }
            var entry = pollfd(fd: channel.withLock { $0.rawDescriptor }, events: Int16(POLLOUT), revents: 0)
            _ = clinux_poll(&entry, 1, deadline - now)
            flush()
        }
    }

    /// Whether so little waits that what may be left out need not be.
    var hasRoomForMore: Bool { hasRoom(Self.logBacklogLimit) }

    private func hasRoom(_ limit: Int) -> Bool { channel.withLock { $0.pendingByteCount < limit } }

    private func send(_ frame: EncodedFrame) throws(ChannelError) {
        let result = channel.withLock { channel in
            let result: Result<Void, ChannelError>
            do throws(ChannelError) {
                try channel.send(frame)
                result = .success(())
            } catch {
                result = .failure(error)
            }
            if channel.hasPendingOutput { outputWaits.raise() }
            return result
        }
        try result.get()
    }
}
