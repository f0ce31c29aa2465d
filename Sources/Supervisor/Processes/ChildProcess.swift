import CLinux
import ControlProtocol
import Glibc

/// A process that the supervisor has started: its control socket, its output, its end.
class ChildProcess {
    let pid: pid_t
    let channel: ControlChannel
    let pidDescriptor: Descriptor
    private(set) var isChannelOpen = true
    /// What it has used, once it has ended.
    private(set) var processorSeconds = 0.0
    private var streams: [OutputStream]

    /// One of stdout and stderr.
    private struct OutputStream {
        var descriptor: Descriptor?
        var splitter = LineSplitter()
        var level: LogLevel
    }

    init(_ child: Spawner.Child) {
        pid = child.pid
        channel = ControlChannel(child.control)
        pidDescriptor = child.pidDescriptor
        streams = [
            OutputStream(descriptor: child.output, level: .info),
            OutputStream(descriptor: child.error, level: .notice),
        ]
    }

    /// What to poll, besides the process itself.
    var interests: [pollfd] {
        var entries = streams.compactMap { stream in
            stream.descriptor.map { pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0) }
        }
        if isChannelOpen {
            let events = channel.hasPendingOutput ? POLLIN | POLLOUT : POLLIN
            entries.append(pollfd(fd: channel.rawDescriptor, events: Int16(events), revents: 0))
        }
        return entries
    }

    func closeChannel() { isChannelOpen = false }

    /// Reads what the process has written, at most `rounds` chunks a stream; answers the lines that became whole.
    func readOutput(rounds: Int = 1) -> [(LogLevel, String)] {
        var lines: [(LogLevel, String)] = []
        for index in streams.indices {
            for _ in 0..<rounds {
                guard let descriptor = streams[index].descriptor else { break }
                guard let chunk = try? Files.read(descriptor, atMost: 1 << 14, "a process's output") else { break }
                let level = streams[index].level
                lines += streams[index].splitter.feed(chunk).map { (level, $0) }
                if chunk.isEmpty { lines += close(index) }
            }
        }
        return lines
    }

    /// The last lines, after the process has ended. Whoever holds the other end still is not listened to any more.
    func finishOutput() -> [(LogLevel, String)] {
        readOutput(rounds: 16) + streams.indices.flatMap { close($0) }
    }

    private func close(_ index: Int) -> [(LogLevel, String)] {
        guard streams[index].descriptor != nil else { return [] }
        streams[index].descriptor = nil
        let level = streams[index].level
        return streams[index].splitter.finish().map { [(level, $0)] } ?? []
    }

    /// Its status, once it has ended; reaps it.
    func reap() -> ExitStatus? {
        var status: CInt = 0
        var result: pid_t
        var usage = rusage()
        repeat { result = wait4(pid, &status, WNOHANG, &usage) } while result < 0 && errno == EINTR
        guard result != 0 else { return nil }
        // ECHILD cannot be, since nobody else waits for it; should it, the process is gone all the same.
        guard result == pid else { return .exited(-1) }
        processorSeconds = usage.ru_utime.seconds + usage.ru_stime.seconds
        return ExitStatus(waitStatus: status)
    }

    /// Waits until the process has ended, and can be reaped.
    func waitForEnd() {
        var entry = pollfd(fd: pidDescriptor.rawValue, events: Int16(POLLIN), revents: 0)
        _ = poll(&entry, 1, -1)
    }

    func signal(_ number: CInt) { _ = Glibc.kill(pid, number) }
}

extension ExitStatus {
    /// Of wait(2): the low seven bits are the signal, the next byte is the status.
    init(waitStatus: CInt) {
        let signal = waitStatus & 0x7F
        self = signal == 0 ? .exited((waitStatus >> 8) & 0xFF) : .signalled(signal)
    }
}

extension timeval {
    fileprivate var seconds: Double { Double(tv_sec) + Double(tv_usec) / 1e6 }
}
