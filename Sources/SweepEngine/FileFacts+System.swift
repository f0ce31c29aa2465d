internal import Files
import Glibc

extension FileFacts {
    /// fstatat(2); a link is not followed unless asked for, and no file system is mounted for it.
    static func of(_ name: [UInt8], in folder: CInt, following: Bool = false) throws(SystemFailure) -> FileFacts {
        var state = stat()
        // AT_NO_AUTOMOUNT, which the C library shows to GNU programs only.
        let flags: CInt = 0x800 | (following ? 0 : AT_SYMLINK_NOFOLLOW)
        while name.withCString({ fstatat(folder, $0, &state, flags) }) != 0 {
            if errno != EINTR { throw SystemFailure(errno) }
        }
        return FileFacts(state)
    }

    /// fstat(2).
    static func of(_ descriptor: CInt) throws(SystemFailure) -> FileFacts {
        var state = stat()
        guard fstat(descriptor, &state) == 0 else { throw SystemFailure(errno) }
        return FileFacts(state)
    }

    private init(_ state: stat) {
        self.init(
            device: UInt64(state.st_dev), inode: UInt64(state.st_ino), size: Int64(state.st_size),
            links: UInt64(state.st_nlink), mode: state.st_mode, modified: Self.nanoseconds(state.st_mtim),
            changed: Self.nanoseconds(state.st_ctim))
    }

    private static func nanoseconds(_ time: timespec) -> Int64 {
        let (scaled, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (time.tv_sec < 0 ? .min : .max) : scaled &+ Int64(time.tv_nsec)
    }

    var isRegular: Bool { mode & S_IFMT == S_IFREG }
    var isFolder: Bool { mode & S_IFMT == S_IFDIR }
    var isLink: Bool { mode & S_IFMT == S_IFLNK }

    var identity: FileIdentity { FileIdentity(device: device, inode: inode) }
}

/// What names a file or folder, whatever it is called.
struct FileIdentity: Hashable, Sendable {
    var device: UInt64
    var inode: UInt64
}
