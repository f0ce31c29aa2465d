internal import Files
internal import Glibc

/// A file's bytes in memory as the kernel has them (mmap(2)): pages come when they are read, and go under pressure.
///
/// The file must not be cut while this lives: reading behind its end would end the process (SIGBUS). What is mapped here
/// lies in folders of our own, where files are replaced as a whole.
struct MappedFile: ~Copyable {
    let bytes: UnsafeRawBufferPointer

    /// Throws EFBIG where it is longer than `limit`.
    init(_ path: String, upTo limit: UInt64) throws(FileFailure) {
        let file = try DurableFiles.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, doing: "read")
        var state = stat()
        guard fstat(file.number, &state) == 0 else { throw FileFailure(errno, doing: "look at \(path)") }
        guard state.st_mode & S_IFMT == S_IFREG else { throw FileFailure(EINVAL, doing: "read \(path)") }
        guard let size = Int(exactly: state.st_size), UInt64(size) <= limit else {
            throw FileFailure(EFBIG, doing: "read \(path)")
        }
        guard size > 0 else {
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let address = mmap(nil, size, PROT_READ, MAP_PRIVATE, file.number, 0)
        guard let address, address != MAP_FAILED else { throw FileFailure(errno, doing: "read \(path)") }
        bytes = UnsafeRawBufferPointer(start: address, count: size)
    }

    deinit {
        if let start = bytes.baseAddress { munmap(UnsafeMutableRawPointer(mutating: start), bytes.count) }
    }
}
