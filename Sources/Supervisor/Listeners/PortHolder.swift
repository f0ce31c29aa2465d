import Glibc

/// Who listens on a port, as far as /proc tells: the socket's inode and user from /proc/net/tcp, then the process that
/// has it open, unless it belongs to somebody whom this process may not look at.
enum PortHolder: Equatable, CustomStringConvertible {
    case process(Int, name: String)
    case user(UInt32)

    var description: String {
        switch self {
        case .process(let number, let name): "by '\(printable(name))' (process \(number))"
        case .user(let number):
            "by a process of user \((try? Account.find(user: String(number), group: nil).name) ?? String(number)) "
                + "(ss -ltnp tells root which)"
        }
    }

    /// Whether it is another process of this program.
    var isMuster: Bool {
        if case .process(_, "muster") = self { true } else { false }
    }

    /// nil where nobody listens.
    static func find(port: UInt16) -> PortHolder? {
        let sockets = listeningSockets(port: port)
        guard let user = sockets.values.first, let names = try? Files.names(in: "/proc") else { return nil }
        for process in names.lazy.compactMap({ Int($0) }) {
            guard let descriptors = try? Files.names(in: "/proc/\(process)/fd") else { continue }
            for descriptor in descriptors {
                guard let inode = socketInode("/proc/\(process)/fd/\(descriptor)"), sockets[inode] != nil else {
                    continue
                }
                return .process(process, name: command(process))
            }
        }
        return .user(user)
    }

    /// Lines of /proc/net/tcp: `sl local:port remote:port state … uid timeout inode`; state 0A is LISTEN. Users by inode.
    private static func listeningSockets(port: UInt16) -> [String: UInt32] {
        var sockets: [String: UInt32] = [:]
        for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
            // The listening sockets come first (Documentation/networking/proc_net_tcp.rst); a busy machine has a great many
            // connections after them.
            guard let bytes = try? Files.readBeginning(table, limit: 1 << 20) else { continue }
            for line in bytes.split(separator: UInt8(ascii: "\n")).dropFirst() {
                let fields = String(decoding: line, as: UTF8.self).split(separator: " ")
                guard fields.count > 9, fields[3] == "0A", let colon = fields[1].lastIndex(of: ":") else { continue }
                let number = UInt16(fields[1][fields[1].index(after: colon)...], radix: 16)
                if number == port { sockets[String(fields[9])] = UInt32(fields[7]) ?? 0 }
            }
        }
        return sockets
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
