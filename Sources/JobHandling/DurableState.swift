import Glibc
public import PluginKit

/// Small files of a component's state directory, each replaced as a whole: after a crash it is the old or the new one.
public enum DurableState {
    static let temporarySuffix = ".new"

    /// Writes, syncs, renames, and syncs the folder (rename(2), fsync(2)). Blocks. Throws `SystemError`.
    public static func write(_ bytes: [UInt8], to path: String) throws {
        let temporary = path + temporarySuffix
        do {
            let file = try open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW)
            var written = 0
            while written < bytes.count {
                let count = bytes[written...].withUnsafeBytes { Glibc.write(file.descriptor, $0.baseAddress, $0.count) }
                if count > 0 {
                    written += count
                } else if errno != EINTR {
                    throw SystemError(errno, doing: "write \(temporary)")
                }
            }
            guard fsync(file.descriptor) == 0 else { throw SystemError(errno, doing: "write \(temporary)") }
            guard rename(temporary, path) == 0 else { throw SystemError(errno, doing: "put \(path) in place") }
        } catch {
            unlink(temporary)
            throw error
        }
        let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        // The file is in place; that it stays there through a power cut is all that this adds.
        if let folder = try? open(folder, O_RDONLY | O_DIRECTORY) { fsync(folder.descriptor) }
    }

    /// Blocks. Throws `SystemError`; EFBIG where the file is longer than `limit`.
    public static func read(_ path: String, upTo limit: Int) throws -> [UInt8] {
        let file = try open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let bytes = try file.read(limit + 1, at: 0)
        guard bytes.count <= limit else { throw SystemError(EFBIG, doing: "read \(path)") }
        return bytes
    }

    /// At most 10,000; none where there is no folder.
    static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < 10_000, let entry = readdir(stream) {
            guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { break }
            names.append(String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self)))
        }
        return names
    }

    private static func open(_ path: String, _ flags: CInt) throws(SystemError) -> OpenFile {
        while true {
            let descriptor = Glibc.open(path, flags | O_CLOEXEC, 0o600)
            if descriptor >= 0 { return OpenFile(owning: descriptor) }
            if errno != EINTR { throw SystemError(errno, doing: "open \(path)") }
        }
    }
}

extension SystemError {
    public var isMissingFile: Bool { code == ENOENT }
}
