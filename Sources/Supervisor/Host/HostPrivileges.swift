import CLinux
import Configuration
import Glibc

/// What the host keeps of root's rights.
enum HostPrivileges {
    /// To bind low ports, to make workers other users, and to signal them.
    static let own = ["CAP_NET_BIND_SERVICE", "CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_KILL"]

    static var isRoot: Bool { geteuid() == 0 }

    /// Whom workers run as; nil: the user that started the host.
    static func account(for host: HostSettings) throws(Refusal) -> Account? {
        guard isRoot else {
            guard let user = host.user else { return nil }
            let account = try Account.find(user: user.value, group: nil)
            guard account.userID == geteuid() else {
                throw Refusal(
                    reason:
                        "host.user is '\(user.value)', but only a host that is started as root can change its user; "
                        + "start it as root or as '\(user.value)', or leave host.user out")
            }
            return nil
        }
        let user = host.user?.value ?? Account.defaults.first(where: Account.exists)
        guard let user else {
            throw Refusal(reason: "started as root, but there is no user to run workers as; set host.user")
        }
        return try Account.find(user: user, group: host.group?.value)
    }

    /// Gives up everything but `own` and the granted capabilities, for this process and all it starts. Answers what
    /// can be granted from now on.
    static func reduce(granted: [String]) throws(Refusal) -> Set<String> {
        var effective: UInt64 = 0
        var permitted: UInt64 = 0
        var inheritable: UInt64 = 0
        try check("reading", clinux_capabilities_read(&effective, &permitted, &inheritable))
        guard isRoot else { return names(permitted) }
        let kept = permitted & set(own + granted)
        try check("limiting", clinux_bounding_keep(kept))
        try check("limiting", clinux_ambient_clear())
        try check("dropping", clinux_capabilities_write(kept, kept, 0))
        return names(kept)
    }

    private static func check(_ doing: String, _ status: CInt) throws(Refusal) {
        guard status == 0 else {
            throw Refusal(reason: "\(doing) the host's capabilities: \(SystemError.sentence(-status))")
        }
    }

    private static func set(_ names: [String]) -> UInt64 {
        names.map { clinux_capability_number($0) }.filter { $0 >= 0 }.reduce(0) { $0 | UInt64(1) << UInt64($1) }
    }

    private static func names(_ set: UInt64) -> Set<String> {
        Set(
            (0..<64).filter { set & UInt64(1) << UInt64($0) != 0 }.compactMap {
                clinux_capability_name($0).map { String(cString: $0) }
            })
    }
}
