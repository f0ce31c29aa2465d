import Glibc

/// Who listens on a port, where /proc tells: the socket's inode from /proc/net/tcp, then the process that has it open.
struct PortHolder: Equatable, CustomStringConvertible {
    var pid: Int
    var name: String

    var description: String { "'\(printable(name))' (process \(pid))" }

    /// nil where nobody listens, or the one who does belongs to somebody whom this process may not look at.
    static func find(port: UInt16) -> PortHolder? {
        let inodes = listeningInodes(port: port)
        guard !inodes.isEmpty, let names = try? Files.names(in: "/proc") else { return nil }
        for process in names.lazy.compactMap({ Int($0) }) {
            guard let descriptors = try? Files.names(in: "/proc/\(process)/fd") else { continue }
            for descriptor in descriptors {
                guard let inode = socketInode("/proc/\(process)/fd/\(descriptor)"), inodes.contains(inode) else {
                    continue
                }
                return PortHolder(pid: process, name: command(process))
            }
        }
        return nil
    }

    /// Lines of /proc/net/tcp: `sl local:port remote:port state … inode`; state 0A is LISTEN.
    private static func listeningInodes(port: UInt16) -> Set<String> {
        var inodes: Set<String> = []
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            guard let bytes = try? Files.read(table, limit: 8 << 20) else { continue }
            for line in bytes.split(separator: UInt8(ascii: "\n")).dropFirst() {
                let fields = String(decoding: line, as: UTF8.self).split(separator: " ")
                guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":") else { continue }
                let number = UInt16(fields[1][fields[1].index(after: colon)...], radix: 16)
                if number == port { inodes.insert(String(fields[9])) }
            }
        }
        return inodes
    }

    private static func socketInode(_ link: String) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let length = readlink(link, start, buffer.count - 1)
            guard length > 0 else { return nil }
            buffer[length] = 0
            let target = String(cString: start)
            return target.hasPrefix("socket:[") ? String(target.dropFirst(8).dropLast()) : nil
        }
    }

    private static func command(_ process: Int) -> String {
        let bytes = (try? Files.read("/proc/\(process)/comm", limit: 4096)) ?? []
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
