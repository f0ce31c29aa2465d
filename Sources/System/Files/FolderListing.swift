internal import Glibc

/// The entries of a folder, in the file system's order (readdir(3)).
package struct FolderListing: ~Copyable {
    package struct Entry {
        package var name: [UInt8]
        package var inode: UInt64
        /// `DT_REG` and the like; `DT_UNKNOWN` where the file system does not say.
        package var type: UInt8
    }

    private let stream: OpaquePointer

    /// Has a descriptor of its own, so that the folder's stays usable.
    package init(of folder: borrowing FileDescriptor) throws(SystemFailure) {
        let own = openat(folder.number, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard own >= 0 else { throw SystemFailure(errno) }
        guard let stream = fdopendir(own) else {
            let code = errno
            close(own)
            throw SystemFailure(code)
        }
        self.stream = stream
    }

    deinit { closedir(stream) }

    /// nil at the end; `.` and `..` are left out.
    package func next() throws(SystemFailure) -> Entry? {
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw SystemFailure(errno) }
                return nil
            }
            // The name ends at its NUL, within the record's length.
            guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return nil }
            let start = (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self)
            let name = UnsafeRawBufferPointer(start: start, count: strlen(start))
            if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { continue }
            return Entry(name: Array(name), inode: UInt64(entry.pointee.d_ino), type: entry.pointee.d_type)
        }
    }
}

extension [UInt8] {
    /// A name as C wants it; what follows a NUL is not seen by the system, so names with one are refused before.
    package func withCString<Result>(_ body: (UnsafePointer<CChar>) -> Result) -> Result {
        (self + [0]).withUnsafeBufferPointer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { chars in
                guard let start = chars.baseAddress else { preconditionFailure("there is always the NUL") }
                return body(start)
            }
        }
    }
}
