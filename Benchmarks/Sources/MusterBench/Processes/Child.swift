import Glibc
import Synchronization

/// A process that we started, ended by its id.
final class Child: Sendable {
    let pid: pid_t
    private let name: String
    private let exitStatus = Mutex<Int32?>(nil)

    /// Starts `command`; the first word is a path or found on PATH.
    ///
    /// - Parameters:
    ///   - core: the one processor it may run on; nil: all.
    ///   - output: a file that takes standard output and standard error.
    ///   - control: a descriptor that becomes number 3 in the child.
    init(_ command: [String], core: Int? = nil, output: String, control: Int32? = nil) throws {
        let words = (core.map { ["taskset", "-c", "\($0)"] } ?? []) + command
        name = command.first ?? ""
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        posix_spawn_file_actions_adddup2(&actions, 1, 2)
        if let control { posix_spawn_file_actions_adddup2(&actions, control, 3) }
        // Interruption blocks SIGINT and SIGTERM in this process; the child gets them as usual.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        let arguments = words.map { strdup($0) } + [nil]
        defer { arguments.forEach { free($0) } }
        var child: pid_t = 0
        let error = posix_spawnp(&child, words[0], &actions, &attributes, arguments, environ)
        guard error == 0 else { throw BenchError("cannot start \(words[0]): \(describe(errno: error))") }
        pid = child
        Interruption.started(child)
    }

    deinit { stop() }

    /// Runs a command to its end, within `seconds`, and gives what it wrote.
    static func output(of command: [String], core: Int? = nil, seconds: Double, scratch: Scratch) throws -> String {
        let file = "\(scratch.path)/output-\(monotonicNow())"
        defer { unlink(file) }
        let child = try Child(command, core: core, output: file)
        let status = try child.waitForExit(within: seconds)
        let text = Files.text(file) ?? ""
        guard status == 0 else {
            throw BenchError("\(command.joined(separator: " ")) ended with \(status): \(text.suffix(500))")
        }
        return text
    }

    /// The exit status once it has ended; minus the signal's number where one ended it.
    func exited() -> Int32? {
        exitStatus.withLock { known in
            if let known { return known }
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
            Interruption.ended(pid)
            known = status & 0x7f == 0 ? status >> 8 & 0xff : -(status & 0x7f)
            return known
        }
    }

    @discardableResult
    func waitForExit(within seconds: Double) throws -> Int32 {
        try poll("\(name) (process \(pid)) exits", within: seconds, everyMicroseconds: 2000) { exited() }
    }

    /// Asks it to end, twice where it takes long, and then ends it.
    func stop() {
        for (signal, seconds) in [(SIGTERM, 3.0), (SIGTERM, 3.0), (SIGKILL, 5.0)] {
            if exited() != nil { return }
            kill(pid, signal)
            if (try? waitForExit(within: seconds)) != nil { return }
        }
    }
}

/// What becomes of children and scratch folders when the benchmark itself is told to end.
enum Interruption {
    private static let children = Mutex<Set<pid_t>>([])
    private static let folders = Mutex<[Scratch]>([])

    static func started(_ pid: pid_t) { children.withLock { _ = $0.insert(pid) } }
    static func ended(_ pid: pid_t) { children.withLock { _ = $0.remove(pid) } }
    static func owns(_ scratch: Scratch) { folders.withLock { $0.append(scratch) } }

    /// Blocks SIGINT, SIGTERM and SIGHUP everywhere, and takes them on a thread of its own. Call it before any other
    /// thread exists, since threads inherit the mask.
    static func watch() throws {
        signal(SIGPIPE, SIG_IGN)
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&signals, number) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let waited = signals
        // Never joined: it lasts as long as the process.
        _ = try OSThread {
            var number: Int32 = 0
            var set = waited
            guard sigwait(&set, &number) == 0 else { return }
            children.withLock { for pid in $0 { kill(pid, SIGTERM) } }
            folders.withLock { for folder in $0 { folder.remove() } }
            _exit(128 + number)
        }
    }
}
