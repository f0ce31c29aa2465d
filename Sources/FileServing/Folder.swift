import Glibc
import PluginKit

/// A folder below which files are found without ever following a link out of it, or a link at all.
///
/// Every name of a path is opened relative to the descriptor of the folder before it, with `O_NOFOLLOW`: a name that is,
/// or in the meantime becomes, a link is not found. The folder itself may be a link: it is the operator's. It is opened
/// anew for each file, so that a folder replaced as a whole, by rename or by changing that link, is noticed.
struct Folder: Sendable {
    let path: String
    /// For tests: the errno with which opening a name fails.
    var failure: (@Sendable (_ name: String) -> CInt?)?

    /// A file as it was found: its state, and it open for reading unless its state was the expected one.
    enum Found {
        case unchanged(FileState)
        case opened(OpenFile, FileState)
    }

    /// Throws `SystemError`: ENOENT also for what is there and is no regular file.
    /// - Parameter expected: the state in which the file is known already.
    func find(_ path: TargetPath.FilePath, expecting expected: FileState?) throws(SystemError) -> Found {
        guard let name = path.names.last else { throw SystemError(ENOENT, doing: "find \(path.text)") }
        var folder = try open(AT_FDCWD, self.path, Self.onlyToName | O_DIRECTORY)
        for name in path.names.dropLast() {
            folder = try open(folder.descriptor, name, Self.onlyToName | O_DIRECTORY | O_NOFOLLOW)
        }
        // Looked at before it is opened for reading: to open a device may already do something.
        let entry = try open(folder.descriptor, name, Self.onlyToName | O_NOFOLLOW)
        let state = try FileState(of: entry)
        if let expected, state == expected { return .unchanged(state) }
        let file = try open(folder.descriptor, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)
        return .opened(file, try FileState(of: file))
    }

    /// O_PATH of open(2), which the C library shows to GNU programs only: a descriptor that names a file without opening
    /// it. The same number on every architecture that Swift has on Linux.
    private static let onlyToName: CInt = 0o10_000_000

    /// Whether the folder can be opened now; throws `SystemError` where not.
    func check() throws(SystemError) { _ = try open(AT_FDCWD, path, Self.onlyToName | O_DIRECTORY) }

    private func open(_ folder: CInt, _ name: String, _ flags: CInt) throws(SystemError) -> OpenFile {
        if let code = failure?(name) { throw SystemError(code, doing: "open \(name)") }
        while true {
            let descriptor = openat(folder, name, flags | O_CLOEXEC)
            if descriptor >= 0 { return OpenFile(owning: descriptor) }
            if errno != EINTR { throw SystemError(errno, doing: "open \(name)") }
        }
    }
}

/// What tells one content of a file from another: the file itself and the moment of its last change.
struct FileState: Equatable, Sendable {
    /// A point of the file system's clock, nanoseconds since 1970.
    typealias Time = Int64

    var device: UInt64
    var inode: UInt64
    var size: UInt64
    /// When its content changed, as its owner may set it.
    var modified: Time
    /// When its content or attributes changed, as the kernel alone sets it.
    var changed: Time

    /// Throws ENOENT for what is no regular file.
    init(of file: OpenFile) throws(SystemError) {
        var state = stat()
        guard fstat(file.descriptor, &state) == 0 else { throw SystemError(errno, doing: "look at a file") }
        guard state.st_mode & S_IFMT == S_IFREG, let size = UInt64(exactly: state.st_size) else {
            throw SystemError(ENOENT, doing: "serve what is not a file")
        }
        device = UInt64(state.st_dev)
        inode = UInt64(state.st_ino)
        self.size = size
        modified = Self.nanoseconds(state.st_mtim)
        changed = Self.nanoseconds(state.st_ctim)
    }

    init(device: UInt64, inode: UInt64, size: UInt64, modified: Time, changed: Time) {
        self.device = device
        self.inode = inode
        self.size = size
        self.modified = modified
        self.changed = changed
    }

    /// Whether a file seen in this state at `now` could change again without a new time: the kernel's clock of files
    /// goes in steps of up to 10 ms. Then the state does not tell one content from another.
    func isAmbiguous(at now: Time) -> Bool { changed > now - 40_000_000 }

    private static func nanoseconds(_ time: timespec) -> Time {
        let (seconds, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = seconds.addingReportingOverflow(Int64(time.tv_nsec))
        return overflow || carry ? .max : sum
    }
}
