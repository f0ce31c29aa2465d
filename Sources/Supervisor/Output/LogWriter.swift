import CLinux
import ControlProtocol
import Glibc

/// Writes the log to a descriptor that may stall: a stopped terminal, a pipe that nobody reads.
///
/// The descriptor's own flags are left alone, since a terminal shares them with the shell. Instead nothing is written
/// unless poll says that it will not block, and then no more than PIPE_BUF, which pipe(7) promises room for. What does
/// not fit waits in a bounded buffer; beyond that, entries are dropped and counted.
final class LogWriter {
    static let capacity = 1 << 20

    var threshold = LogLevel.info
    private(set) var format: LogFormat
    private let descriptor: CInt
    private var buffer: [UInt8] = []
    /// How much of the buffer is written already.
    private var start = 0
    private var droppedCount = 0
    private var isBroken = false

    init(descriptor: CInt = 2, format: LogFormat = .text) {
        self.descriptor = descriptor
        self.format = format
    }

    /// Text becomes the journal's where the descriptor leads there (JOURNAL_STREAM, sd-daemon(3)).
    func use(_ format: LogFormat, environment: [String: String]) {
        guard case .text = format, let stream = environment["JOURNAL_STREAM"] else {
            self.format = format
            return
        }
        var status = stat()
        let isJournal = fstat(descriptor, &status) == 0 && stream == "\(status.st_dev):\(status.st_ino)"
        self.format = isJournal ? .journal : .text
    }

    func log(_ entry: LogEntry) {
        guard entry.level >= threshold else { return }
        append(format.line(entry))
        flush()
    }

    func log(_ level: LogLevel, _ message: String, component: String? = nil, generation: UInt64? = nil) {
        log(
            LogEntry(
                time: .now(), level: level, component: component, generation: generation, message: message,
                hasLineBreaks: true))
    }

    /// For poll.
    var pending: CInt? { start < buffer.count && !isBroken ? descriptor : nil }

    /// Writes what the descriptor takes now.
    func flush() {
        while start < buffer.count, !isBroken, isWritable {
            let count = min(buffer.count - start, Int(PIPE_BUF))
            let written = buffer[start..<start + count].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                if errno == EINTR || errno == EAGAIN { return }
                // Nobody will ever read it.
                isBroken = true
                buffer = []
                start = 0
                return
            }
            start += written
        }
        compact()
        if droppedCount > 0, buffer.count < Self.capacity / 2 { admitDrops() }
    }

    private func append(_ line: String) {
        guard !isBroken else { return }
        guard buffer.count - start + line.utf8.count <= Self.capacity else {
            droppedCount += 1
            return
        }
        buffer += line.utf8
    }

    private func admitDrops() {
        let count = droppedCount
        droppedCount = 0
        log(.warning, "\(count) log lines were dropped: the log's reader was too slow")
    }

    private func compact() {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 16)
            start = 0
        } else if start > 1 << 16 {
            buffer.removeFirst(start)
            start = 0
        }
    }

    private var isWritable: Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        return clinux_poll(&entry, 1, 0) > 0
    }
}
