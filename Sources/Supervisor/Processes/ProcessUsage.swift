import Glibc

/// What a process uses, from /proc (proc(5)).
struct ProcessUsage {
    var residentBytes: UInt64
    var processorSeconds: Double

    init?(pid: Int32) {
        guard let memory = try? Files.read("/proc/\(pid)/statm", limit: 4096),
            let state = try? Files.read("/proc/\(pid)/stat", limit: 4096)
        else { return nil }
        let pages = String(decoding: memory, as: UTF8.self).split(separator: " ")
        // The name, in parentheses, may hold anything; what counts comes after the last of them.
        guard let end = state.lastIndex(of: UInt8(ascii: ")")), pages.count > 1, let resident = UInt64(pages[1]) else {
            return nil
        }
        let fields = String(decoding: state[(end + 1)...], as: UTF8.self).split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        let tick = sysconf(CInt(_SC_CLK_TCK))
        residentBytes = resident.multipliedReportingOverflow(by: UInt64(max(getpagesize(), 1))).partialValue
        processorSeconds = (user + system) / Double(max(tick, 1))
    }
}
