/// A point of CLOCK_MONOTONIC, nanoseconds.
typealias Instant = UInt64

/// A length of time, nanoseconds.
typealias Nanoseconds = UInt64

extension UInt64 {
    static func seconds(_ count: UInt64) -> UInt64 { count * 1_000_000_000 }
    static func milliseconds(_ count: UInt64) -> UInt64 { count * 1_000_000 }

    /// This moment and `duration`, held at the end of time instead of wrapping: durations come from the configuration.
    func after(_ duration: UInt64) -> UInt64 {
        let (sum, overflow) = addingReportingOverflow(duration)
        return overflow ? .max : sum
    }

    /// How long this moment is past `earlier`; 0 where it is not.
    func since(_ earlier: UInt64) -> UInt64 { self > earlier ? self - earlier : 0 }
}

/// How long things may take and how often they may fail. The first group is `host.supervision`, the second is fixed.
struct Limits: Equatable, Sendable {
    /// Immediate restarts allowed within `restartWindow`.
    var restartLimit = 5
    var restartWindow: Nanoseconds = .seconds(30)
    /// Pauses beyond the limit double from first to last.
    var firstPause: Nanoseconds = .seconds(1)
    var lastPause: Nanoseconds = .seconds(30)
    /// Running this long forgets earlier deaths.
    var stableAfter: Nanoseconds = .seconds(60)
    /// For each of load, prepare and activate.
    var stepTimeout: Nanoseconds = .seconds(10)
    /// Silence of an active worker.
    var watchdog: Nanoseconds = .seconds(10)
    /// After a commit, how long a component that dies too often takes the whole reload back.
    var probation: Nanoseconds = .seconds(30)
    var quiesceTimeout: Nanoseconds = .seconds(2)
    var drainTimeout: Nanoseconds = .seconds(30)

    /// The first pause after a death before READY; doubles to `lastPause`.
    var firstRetry: Nanoseconds = .milliseconds(250)
    /// Beyond a deadline that the worker itself keeps, before it is enforced from outside.
    var grace: Nanoseconds = .seconds(1)
    /// Between `stop` (or SIGTERM) and SIGKILL.
    var stopTimeout: Nanoseconds = .seconds(5)
    /// Between SIGABRT and SIGKILL.
    var abortTimeout: Nanoseconds = .seconds(2)
    /// Between SIGKILL and the remark that even that did not help.
    var killTimeout: Nanoseconds = .seconds(5)
    /// Being woken this much later than asked for means that the supervisor itself was held up.
    var slip: Nanoseconds = .seconds(1)
    /// Older workers of one unit that may drain at a time.
    var drainingLimit = 2
    /// Pauses between reloads by signal that changed nothing double from first to last.
    var firstSignalPause: Nanoseconds = .seconds(1)
    var lastSignalPause: Nanoseconds = .seconds(4)
}
