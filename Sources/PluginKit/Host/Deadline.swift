import Glibc

extension SuspendingClock.Instant {
    /// A point of CLOCK_MONOTONIC, in nanoseconds, as the ABI writes a deadline.
    init(monotonicNanoseconds: UInt64) {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        let now = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
        let left = Int64(clamping: monotonicNanoseconds).subtractingReportingOverflow(now).partialValue
        self = SuspendingClock.now.advanced(by: .nanoseconds(left))
    }
}
