@testable import Worker
import CLinux
import ControlProtocol
import Glibc
import Testing

/// A real `muster worker` in a process of its own, and the supervisor's end of its control socket. Ended by pid.
final class WorkerProcess {
    let pid: pid_t
    private var supervisor: ControlChannel?
    private var status: CInt?
    /// The log so far, as far as reports were read.
    private(set) var records: [LogRecord] = []

    /// The folder of the test executable, where SwiftPM puts the binary and every plugin.
    static let products: String = {
        var path = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = max(readlink("/proc/self/exe", &path, path.count), 0)
        let text = String(decoding: path.prefix(length).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return text.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    }()

    /// Starts a worker; without a plan it gets no control socket, as when it is started by hand.
    init(_ plan: WorkerPlan?, standardError: CInt = STDERR_FILENO, environment given: [String] = []) throws {
        var numbers: [CInt] = [-1, -1]
        try #require(socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &numbers) == 0)
        let (own, theirs) = (Descriptor(owning: numbers[0]), Descriptor(owning: numbers[1]))
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, standardError, STDERR_FILENO)
        // Whatever else the tests have open meanwhile is close-on-exec.
        if plan != nil {
            posix_spawn_file_actions_adddup2(&actions, theirs.rawValue, 3)
        } else {
            posix_spawn_file_actions_addclose(&actions, 3)
        }
        let program = "\(Self.products)/muster"
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup("muster"), strdup("worker"), nil]
        var environment = (["SWIFT_BACKTRACE=enable=no"] + given).map { strdup($0) } + [nil]
        defer { for text in arguments + environment { free(text) } }
        var pid: pid_t = 0
        let failure = posix_spawn(&pid, program, &actions, nil, &arguments, &environment)
        try #require(failure == 0, "\(program): \(String(cString: strerror(failure)))")
        self.pid = pid
        supervisor = ControlChannel(own)
        if let plan { try supervisor?.send(WorkerCommand.load(plan)) }
    }

    deinit {
        guard status == nil else { return }
        kill(pid, SIGKILL)
        var status: CInt = 0
        waitpid(pid, &status, 0)
    }

    func send(_ command: WorkerCommand, descriptors: [CInt] = []) throws {
        try supervisor?.send(command, descriptors: descriptors)
    }

    /// The supervisor dies.
    func closeSocket() { supervisor = nil }

    /// The next report that is no log line and no remark, and no pulse unless that is wanted.
    func nextReport(includingPulses: Bool = false) throws -> WorkerReport {
        let deadline = MonotonicTime.now + 20 * MonotonicTime.second
        while MonotonicTime.now < deadline, let supervisor {
            guard let report = try supervisor.receive(WorkerReport.self)?.message else {
                var entry = pollfd(fd: supervisor.rawDescriptor, events: Int16(POLLIN), revents: 0)
                _ = clinux_poll(&entry, 1, MonotonicTime.second)
                continue
            }
            switch report {
            case .log(let record): records.append(record)
            case .calling, .stalled: continue
            case .pulse where !includingPulses: continue
            default: return report
            }
        }
        throw HarnessFailure("the worker reports nothing")
    }

    /// The exit status, or nil where it ended by a signal; within 20 s.
    func waitForExit() throws -> CInt? {
        let deadline = MonotonicTime.now + 20 * MonotonicTime.second
        var status: CInt = 0
        while waitpid(pid, &status, WNOHANG) == 0 {
            guard MonotonicTime.now < deadline else { throw HarnessFailure("the worker does not end") }
            _ = clinux_poll(nil, 0, 5 * MonotonicTime.millisecond)
        }
        self.status = status
        return status & 0x7F == 0 ? status >> 8 & 0xFF : nil
    }

    /// Fields of a file below /proc/<pid>: `Uid` → `0\t0\t0\t0`.
    func fields(of file: String) throws -> [String: String] {
        var fields: [String: String] = [:]
        for line in try read("/proc/\(pid)/\(file)").split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let key = parts.first, parts.count == 2 else { continue }
            fields[String(key)] = String(parts[1].drop { $0 == "\t" || $0 == " " })
        }
        return fields
    }

    func read(_ path: String) throws -> String {
        let number = open(path, O_RDONLY | O_CLOEXEC)
        try #require(number >= 0, "\(path)")
        let descriptor = Descriptor(owning: number)
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = Glibc.read(descriptor.rawValue, &chunk, chunk.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += chunk.prefix(count)
        }
    }
}
