internal import Console
internal import Fleet
internal import FleetAdmin
internal import Glibc

/// Shows how far a job is on the standard error until it is over, or ^C.
///
/// On a terminal a bar that is drawn in its place; elsewhere a line every few seconds.
struct JobWaiting {
    /// Seconds between two lines of a log.
    private static let logInterval = 5.0
    private static let frameMilliseconds = 200

    let client: AdminClient
    let kind: String
    let id: JobID
    var counts: AssignmentCounts?

    /// False: it was interrupted, and the job goes on.
    func run() throws(CommandProblem) -> Bool {
        let signals = EndSignals()
        let start = Monotonic.seconds()
        var live = LiveLines()
        var told = Told()
        var watcher = JobWatcher(client, job: id, kind: AdminClient.JobKind(rawValue: kind), counts: counts)
        let ending = try asking { () throws(AdminFailure) in
            defer { Output.drawError(live.erase()) }
            return try watcher.run { watcher in
                let elapsed = Monotonic.seconds() - start
                let view = WaitView(
                    kind: kind, counts: watcher.counts, elapsedSeconds: elapsed, trouble: watcher.trouble?.message)
                let terminal = Output.errorTerminal
                if terminal.movesCursor {
                    Output.drawError(live.next(view.render(on: terminal), on: terminal))
                } else if told.isDue(view, at: elapsed, every: Self.logInterval) {
                    Output.drawError(view.line + "\n")
                }
                return !signals.wait(milliseconds: Self.frameMilliseconds)
            }
        }
        return ending == .finished
    }

    /// Keeps a log short: a line when something has changed, and never two within the interval.
    private struct Told {
        var time: Double?
        var counts: AssignmentCounts?
        var trouble: String?

        mutating func isDue(_ view: WaitView, at now: Double, every interval: Double) -> Bool {
            if let time, now - time < interval { return false }
            guard time == nil || view.counts != counts || view.trouble != trouble else { return false }
            (time, counts, trouble) = (now, view.counts, view.trouble)
            return true
        }
    }
}

/// SIGINT and SIGTERM, which end a wait and not the process in the middle of a frame.
struct EndSignals {
    private var signals = sigset_t()

    init() {
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        sigprocmask(SIG_BLOCK, &signals, nil)
    }

    /// True: one came.
    func wait(milliseconds: Int) -> Bool {
        var signals = signals
        var time = timespec(tv_sec: milliseconds / 1000, tv_nsec: milliseconds % 1000 * 1_000_000)
        return sigtimedwait(&signals, nil, &time) > 0
    }
}

enum Monotonic {
    static func seconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
