import CBench
import Glibc

/// The machine's limits that a benchmark needs raised or known.
enum System {
    /// Confines this thread, and the threads and processes it will start, to one core.
    static func confine(toCore core: Int) throws {
        var set = cbench_cores()
        withUnsafeMutableBytes(of: &set) { bytes in
            if core >= 0, core / 8 < bytes.count { bytes[core / 8] |= 1 << UInt8(core % 8) }
        }
        let status = cbench_set_cores(&set)
        guard status == 0 else {
            throw BenchError("cannot confine the load to core \(core): \(describe(errno: -status))")
        }
    }

    /// Runs `body`, and then lets this thread have every core it had before.
    static func restoringCores<Result>(_ body: () -> Result) -> Result {
        var before = cbench_cores()
        let isKnown = cbench_get_cores(&before) == 0
        defer { if isKnown { _ = cbench_set_cores(&before) } }
        return body()
    }

    /// Raises the limit on open descriptors of this process and its future children.
    static func raiseDescriptorLimit(to needed: UInt64) throws {
        let status = cbench_raise_descriptor_limit(needed)
        guard status == 0 else {
            throw BenchError(
                "\(needed) open descriptors are needed and this user may not have them (\(describe(errno: -status))); "
                    + "run as root, or raise `ulimit -Hn`")
        }
    }

    /// A port of 127.0.0.1 that is free and that no outgoing connection will take: below the range that the kernel
    /// gives to those.
    static func freePort(notIn taken: Set<UInt16>) throws -> UInt16 {
        let range = Files.text("/proc/sys/net/ipv4/ip_local_port_range")?.split {
            $0 == "\t" || $0 == " " || $0 == "\n"
        }
        let top = min(range?.first.flatMap { UInt16($0) } ?? 32768, 32768)
        for port in stride(from: top - 1, to: 10_000, by: -1) where !taken.contains(port) {
            if Endpoint(port: port).isFree { return port }
        }
        throw BenchError("no free port between 10000 and \(top)")
    }
}
