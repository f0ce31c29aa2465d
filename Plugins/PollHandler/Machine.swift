import Fleet
import Glibc

/// The machine as its kernel and its files describe it.
struct Machine: Sendable {
    var system: ClientStatus.System
    var disks: [ClientStatus.Disk]

    static let unknown = ClientStatus.System(
        host: "", os: "", family: "linux", kernel: "", architecture: "", bootedAt: nil)

    /// Bytes of a system file that are read.
    private static let fileLimit = 1 << 20

    /// Blocks.
    static func look(at paths: [String]) -> Machine {
        var system = unknown
        var names = utsname()
        if uname(&names) == 0 {
            system.host = text(of: names.nodename)
            system.kernel = text(of: names.release)
            system.architecture = text(of: names.machine)
        }
        // os-release(5): the second where there is no first.
        system.os =
            ["/etc/os-release", "/usr/lib/os-release"].lazy.compactMap { read($0).flatMap(OSRelease.name) }.first ?? ""
        system.bootedAt = read("/proc/stat").flatMap(BootTime.parse)
        return Machine(system: system, disks: disks(of: paths))
    }

    private static func disks(of paths: [String]) -> [ClientStatus.Disk] {
        let mounts = read("/proc/self/mountinfo").map(MountTable.init) ?? MountTable("")
        var seen: Set<UInt64> = []
        return paths.compactMap { path in
            var file = stat()
            // A server that is gone would keep the answer waiting: such file systems are not asked.
            guard stat(path, &file) == 0, seen.insert(UInt64(file.st_dev)).inserted,
                !mounts.isNetwork(device: UInt64(file.st_dev))
            else { return nil }
            var space = statvfs()
            guard statvfs(path, &space) == 0 else { return nil }
            func bytes(_ blocks: UInt) -> Int64 {
                Int64(clamping: UInt64(blocks).multipliedReportingOverflow(by: UInt64(space.f_frsize)).partialValue)
            }
            return ClientStatus.Disk(path: path, size: bytes(space.f_blocks), free: bytes(space.f_bavail))
        }
    }

    /// Up to the limit; nil where it cannot be read.
    private static func read(_ path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < fileLimit {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// An array of C characters, which Swift sees as a tuple.
    private static func text<Characters>(of characters: Characters) -> String {
        withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
