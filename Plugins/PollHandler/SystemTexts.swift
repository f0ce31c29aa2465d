import Fleet

/// os-release(5): assignments as a shell takes them, one a line.
enum OSRelease {
    private static let limit = 200

    /// `Debian GNU/Linux 12 (bookworm)`: PRETTY_NAME, else NAME with VERSION_ID, else nil.
    static func name(_ text: String) -> String? {
        var values: [Substring: String] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let pair = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2, !pair[0].hasPrefix("#") else { continue }
            values[pair[0]] = unquoted(pair[1])
        }
        let name =
            values["PRETTY_NAME"]
            ?? values["NAME"].map { name in values["VERSION_ID"].map { "\(name) \($0)" } ?? name }
        return name.flatMap { $0.isEmpty ? nil : String($0.prefix(limit)) }
    }

    /// Without quotes, and with what a backslash protects.
    private static func unquoted(_ text: Substring) -> String {
        var value = ""
        var quote: Character?
        var isProtected = false
        for character in text {
            if isProtected {
                value.append(character)
                isProtected = false
            } else if character == "\\", quote != "'" {
                isProtected = true
            } else if character == quote {
                quote = nil
            } else if quote == nil, character == "\"" || character == "'" {
                quote = character
            } else if quote == nil, character.isWhitespace {
                break
            } else {
                value.append(character)
            }
        }
        return value
    }
}

/// When the kernel started: the line `btime` of /proc/stat (proc_stat(5)).
enum BootTime {
    static func parse(_ text: String) -> Timestamp? {
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            guard words.count == 2, words[0] == "btime" else { continue }
            guard let seconds = Int64(words[1]), (1...(1 << 40)).contains(seconds) else { return nil }
            return Timestamp(seconds: seconds)
        }
        return nil
    }
}

/// Which file systems are mounted (proc_pid_mountinfo(5)): enough to know those of the network.
struct MountTable: Sendable {
    private var types: [UInt64: Substring] = [:]

    private static let networkTypes: Set<Substring> = [
        "9p", "afs", "ceph", "cifs", "coda", "fuse.glusterfs", "fuse.sshfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3",
        "smbfs",
    ]

    init(_ text: String) {
        for line in text.split(separator: "\n") {
            // 36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw
            let words = line.split(separator: " ")
            guard words.count > 2, let mark = words.firstIndex(of: "-"), mark + 1 < words.count else { continue }
            let numbers = words[2].split(separator: ":").compactMap { UInt64($0) }
            guard numbers.count == 2, numbers[0] < 1 << 32, numbers[1] < 1 << 32 else { continue }
            types[Self.device(major: numbers[0], minor: numbers[1])] = words[mark + 1]
        }
    }

    /// - Parameter device: st_dev of stat(2). One that is not in the table is not of the network.
    func isNetwork(device: UInt64) -> Bool { types[device].map { Self.networkTypes.contains($0) } ?? false }

    /// makedev(3), which is a macro.
    static func device(major: UInt64, minor: UInt64) -> UInt64 {
        minor & 0xFF | (major & 0xFFF) << 8 | (minor & ~0xFF) << 12 | (major & ~0xFFF) << 32
    }
}
