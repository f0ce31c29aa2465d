import Glibc

/// What /proc tells of a process.
enum ProcessFacts {
    /// Time on a processor over all its threads, nanoseconds (proc(5), schedstat).
    static func processorNanoseconds(_ pid: pid_t) -> UInt64? {
        let tasks = Files.list("/proc/\(pid)/task")
        guard !tasks.isEmpty else { return nil }
        return tasks.reduce(0) { sum, task in
            let first = Files.text("/proc/\(pid)/task/\(task)/schedstat")?.split(separator: " ").first
            return sum + (first.flatMap { UInt64($0) } ?? 0)
        }
    }

    /// Clock ticks in user mode and in the kernel since its start.
    static func ticks(_ pid: pid_t) -> (user: UInt64, system: UInt64)? {
        // The name, in parentheses, may hold blanks; what follows the last parenthesis may not (proc(5), stat).
        guard let text = Files.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = UInt64(fields[11]), let system = UInt64(fields[12]) else { return nil }
        return (user, system)
    }

    /// One value of smaps_rollup, bytes: `Pss`, `Rss`, `Private_Dirty`. Needs the right to look into the process.
    static func memory(_ pid: pid_t, _ key: String) -> Double? {
        guard let text = Files.text("/proc/\(pid)/smaps_rollup") else { return nil }
        for line in text.split(separator: "\n") where line.hasPrefix(key + ":") {
            return line.split(separator: " ").dropFirst().first.flatMap { Double($0) }.map { $0 * 1024 }
        }
        return nil
    }

    /// The state letter: `Z` is ended and not yet waited for; nil: gone.
    static func state(_ pid: pid_t) -> Character? {
        guard let text = Files.text("/proc/\(pid)/stat"), let end = text.lastIndex(of: ")") else { return nil }
        return text[text.index(after: end)...].first { $0 != " " }
    }

    static func hasEnded(_ pid: pid_t) -> Bool {
        switch state(pid) {
        case nil, "Z", "X": true
        default: false
        }
    }

    /// Its children, zombies included.
    static func children(_ pid: pid_t) -> [pid_t] {
        Files.list("/proc/\(pid)/task").flatMap { task in
            (Files.text("/proc/\(pid)/task/\(task)/children") ?? "").split(separator: " ").compactMap { pid_t($0) }
        }
    }
}

/// The processor time a server used per request over a stretch of load.
struct ProcessorMeter {
    private let pid: pid_t
    private let began: UInt64
    private let usedBefore: UInt64
    private let ticksBefore: (user: UInt64, system: UInt64)

    init?(_ pid: pid_t) {
        guard let used = ProcessFacts.processorNanoseconds(pid), let ticks = ProcessFacts.ticks(pid) else { return nil }
        self.pid = pid
        usedBefore = used
        ticksBefore = ticks
        began = monotonicNow()
    }

    struct Reading {
        var processorNanoseconds: Double
        /// Of the core, 0 to 1 for a server with one busy thread.
        var utilisation: Double
        /// The part of its time in user mode, to a clock tick.
        var userShare: Double
    }

    func read() -> Reading? {
        guard let used = ProcessFacts.processorNanoseconds(pid), let ticks = ProcessFacts.ticks(pid),
            used >= usedBefore
        else { return nil }
        let nanoseconds = Double(used - usedBefore)
        let user = Double(ticks.user - ticksBefore.user)
        let all = user + Double(ticks.system - ticksBefore.system)
        return Reading(
            processorNanoseconds: nanoseconds, utilisation: nanoseconds / Double(max(1, monotonicNow() - began)),
            userShare: all > 0 ? user / all : 0)
    }
}
