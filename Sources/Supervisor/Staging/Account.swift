import ControlProtocol
import Glibc

/// Whom workers run as.
struct Account: Equatable, Sendable {
    var name: String
    var userID: UInt32
    var groupID: UInt32
    var supplementaryGroupIDs: [UInt32]

    /// The accounts taken where the host is root and `host.user` names none: the one the package makes, then the one
    /// that every system has for processes without rights. Root is never the default.
    static let defaults = ["muster", "nobody"]

    /// The account by name or number, with its groups; `group` replaces its own group and leaves the others out.
    static func find(user: String, group: String?) throws(Refusal) -> Account {
        guard var account = withBuffer({ lookUp(user: user, $0) }) else {
            throw Refusal(reason: "there is no user '\(user)' on this machine")
        }
        if let group {
            guard let number = withBuffer({ lookUp(group: group, $0) }) else {
                throw Refusal(reason: "there is no group '\(group)' on this machine")
            }
            account.groupID = number
            account.supplementaryGroupIDs = []
        }
        return account
    }

    static func exists(_ user: String) -> Bool { withBuffer { lookUp(user: user, $0) } != nil }

    /// Whether this account may pass through a folder, by its mode bits.
    func maySearch(_ status: stat) -> Bool {
        if userID == 0 { return true }
        if status.st_uid == userID { return status.st_mode & S_IXUSR != 0 }
        if status.st_gid == groupID || supplementaryGroupIDs.contains(status.st_gid) {
            return status.st_mode & S_IXGRP != 0
        }
        return status.st_mode & S_IXOTH != 0
    }

    private static func withBuffer<Value>(_ body: (UnsafeMutableBufferPointer<CChar>) -> Value?) -> Value? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1 << 16) { body($0) }
    }

    private static func lookUp(user: String, _ buffer: UnsafeMutableBufferPointer<CChar>) -> Account? {
        guard let start = buffer.baseAddress else { return nil }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        let status =
            if let number = UInt32(user) {
                getpwuid_r(number, &entry, start, buffer.count, &found)
            } else {
                getpwnam_r(user, &entry, start, buffer.count, &found)
            }
        guard status == 0, found != nil, let name = entry.pw_name else { return nil }
        var groups = [gid_t](repeating: 0, count: 256)
        var count = CInt(groups.count)
        if getgrouplist(name, entry.pw_gid, &groups, &count) < 0 { count = 0 }
        return Account(
            name: String(cString: name), userID: entry.pw_uid, groupID: entry.pw_gid,
            supplementaryGroupIDs: groups.prefix(Int(count)).filter { $0 != entry.pw_gid })
    }

    private static func lookUp(group: String, _ buffer: UnsafeMutableBufferPointer<CChar>) -> UInt32? {
        if let number = UInt32(group) { return number }
        guard let start = buffer.baseAddress else { return nil }
        var entry = Glibc.group()
        var found: UnsafeMutablePointer<Glibc.group>?
        guard getgrnam_r(group, &entry, start, buffer.count, &found) == 0, found != nil else { return nil }
        return entry.gr_gid
    }
}
