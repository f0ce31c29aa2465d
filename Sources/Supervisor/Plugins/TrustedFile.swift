import ControlProtocol
import Glibc

/// A file that nobody but root and the host's own user can change: neither it nor any folder above it is writable by
/// others. Looked at on the descriptors themselves, from the root down, and opened only through them; so what was
/// checked is what is read.
///
/// A folder with the sticky bit that all may write to, as `/tmp`, passes: in it nobody can rename or remove what is not
/// theirs, and what is theirs does not pass.
struct TrustedFile {
    /// O_PATH of open(2): a descriptor to look at and to go on from, which needs no permission to read.
    private static let pathOnly: CInt = 0o10000000

    /// What tells a file from a later one under the same name without reading it.
    struct Identity: Hashable, Sendable {
        var device: UInt64
        var inode: UInt64
        var size: Int64
        var modified: [Int]
        var changed: [Int]

        init(_ status: stat) {
            device = UInt64(status.st_dev)
            inode = UInt64(status.st_ino)
            size = Int64(status.st_size)
            modified = [status.st_mtim.tv_sec, status.st_mtim.tv_nsec]
            changed = [status.st_ctim.tv_sec, status.st_ctim.tv_nsec]
        }
    }

    let path: String
    let descriptor: Descriptor
    let identity: Identity

    init(_ path: String) throws(Refusal) {
        guard let resolved = realpath(path, nil) else {
            throw Refusal(reason: "cannot open \(path): \(SystemError.sentence(errno))")
        }
        defer { free(resolved) }
        self.path = String(cString: resolved)
        let names = self.path.split(separator: "/").map(String.init)
        guard let name = names.last else { throw Refusal(reason: "\(path) is not a file") }
        var folder = try Self.open("/", in: nil, "/", Self.pathOnly | O_DIRECTORY)
        var folderPath = ""
        try Self.check(folder, "/", isFolder: true)
        for name in names.dropLast() {
            folderPath += "/" + name
            folder = try Self.open(name, in: folder, folderPath, Self.pathOnly | O_DIRECTORY)
            try Self.check(folder, folderPath, isFolder: true)
        }
        // O_NONBLOCK: opening a FIFO must not wait for its writer.
        descriptor = try Self.open(name, in: folder, self.path, O_RDONLY | O_NONBLOCK)
        identity = Identity(try Self.check(descriptor, self.path, isFolder: false))
    }

    private static func open(
        _ name: String, in folder: Descriptor?, _ path: String, _ flags: CInt
    ) throws(Refusal) -> Descriptor {
        let number = openat(folder?.rawValue ?? AT_FDCWD, name, flags | O_CLOEXEC | O_NOFOLLOW)
        guard number >= 0 else { throw Refusal(reason: "cannot open \(path): \(SystemError.sentence(errno))") }
        return Descriptor(owning: number)
    }

    @discardableResult
    private static func check(_ descriptor: Descriptor, _ path: String, isFolder: Bool) throws(Refusal) -> stat {
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0 else {
            throw Refusal(reason: "cannot look at \(path): \(SystemError.sentence(errno))")
        }
        guard isFolder || status.st_mode & S_IFMT == S_IFREG else { throw Refusal(reason: "\(path) is not a file") }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw Refusal(
                reason: "\(path) belongs to user \(status.st_uid), who could change what the host runs; "
                    + "it has to belong to root or to the user that starts the host")
        }
        let isSticky = isFolder && status.st_mode & S_ISVTX != 0
        guard isSticky || status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            throw Refusal(
                reason: "\(path) is writable by others, who could change what the host runs; chmod go-w \(path)")
        }
        return status
    }

    /// Hands the bytes on in pieces, from the start.
    func read(_ piece: ([UInt8]) throws(SystemError) -> Void) throws(SystemError) {
        try retrying("reading \(path)") { lseek(descriptor.rawValue, 0, SEEK_SET) }
        while true {
            let bytes = try Files.read(descriptor, atMost: 1 << 17, path)
            if bytes.isEmpty { return }
            try piece(bytes)
        }
    }

    /// SHA-256 of the content.
    func digest() throws(SystemError) -> String { try Files.digest(descriptor, path) }
}
