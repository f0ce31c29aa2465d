import Glibc

/// The times that served files are judged by; tests bring their own.
struct Clock: Sendable {
    /// Nanoseconds of a clock that never goes back, to a few milliseconds: for how old a look at a file is.
    var steady: @Sendable () -> UInt64
    /// Nanoseconds since 1970: to compare with the times of files.
    var wall: @Sendable () -> Int64

    static let system = Clock(
        steady: { UInt64(nanoseconds(CLOCK_MONOTONIC_COARSE)) }, wall: { nanoseconds(CLOCK_REALTIME) })

    private static func nanoseconds(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
