internal import Glibc

/// A file could not be read: the rest of a sentence that begins with its name.
struct FileProblem: Error {
    var reason: String
}

/// Reading small files whole.
enum FileAccess {
    /// The bytes of a regular file of at most `limit` bytes, and its permission bits. Links are followed. A pipe or a
    /// device is refused, not waited for.
    static func read(_ path: String, limit: Int) throws(FileProblem) -> (bytes: [UInt8], permissions: mode_t) {
        let descriptor = retrying { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
        guard descriptor >= 0 else { throw FileProblem(reason: "cannot be opened: \(systemError(errno))") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw FileProblem(reason: "cannot be examined: \(systemError(errno))")
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw FileProblem(reason: "is a folder, not a file")
        default: throw FileProblem(reason: "is not a regular file")
        }
        return (try contents(of: descriptor, limit: limit), status.st_mode & 0o7777)
    }

    private static func contents(of descriptor: Int32, limit: Int) throws(FileProblem) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 * 1024)
        while true {
            let count = retrying { chunk.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) } }
            guard count >= 0 else { throw FileProblem(reason: "cannot be read: \(systemError(errno))") }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            // The size is counted, not asked for: the file may grow while it is read.
            if bytes.count > limit { throw FileProblem(reason: "has more than \(limit) bytes") }
        }
    }

    private static func retrying<Result: BinaryInteger>(_ call: () -> Result) -> Result {
        while true {
            let result = call()
            if result != -1 || errno != EINTR { return result }
        }
    }

    /// `Permission denied`. glibc's strerror keeps its text by thread since 2.32.
    static func systemError(_ code: Int32) -> String { strerror(code).map { String(cString: $0) } ?? "error \(code)" }
}

/// Paths as text. Nothing is looked up but the working folder.
enum FilePath {
    /// An absolute path; a relative one begins in `folder`. Single dots and double slashes go; `..` stays, because a
    /// link may stand before it.
    static func absolute(_ path: String, in folder: String) -> String {
        let whole = path.hasPrefix("/") ? path : folder + "/" + path
        let parts = whole.utf8.split(separator: UInt8(ascii: "/")).filter { !$0.elementsEqual(".".utf8) }
        return "/" + parts.map { String(Substring($0)) }.joined(separator: "/")
    }

    /// The absolute path of the folder that holds the file `path`.
    static func folder(of path: String) -> String {
        let whole = absolute(path, in: workingFolder)
        guard let slash = whole.lastIndex(of: "/"), slash != whole.startIndex else { return "/" }
        return String(whole[..<slash])
    }

    private static var workingFolder: String {
        guard let name = getcwd(nil, 0) else { return "/" }
        defer { free(name) }
        return String(cString: name)
    }
}
