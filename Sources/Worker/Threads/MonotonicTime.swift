internal import CLinux

/// Points of CLOCK_MONOTONIC and durations, in nanoseconds: what the ABI and the control protocol count in.
enum MonotonicTime {
    static var now: UInt64 { clinux_monotonic_now() }

    static let millisecond: UInt64 = 1_000_000
    static let second: UInt64 = 1_000_000_000

    /// `duration` after `point`; never wraps.
    static func after(_ point: UInt64, _ duration: UInt64) -> UInt64 {
        let (sum, isOver) = point.addingReportingOverflow(duration)
        return isOver ? .max : sum
    }
}
