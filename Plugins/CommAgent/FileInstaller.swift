internal import Files
import Glibc
import UpdateTrust

/// Puts other files where this workstation's own configuration allows it, and nowhere else: a target may wish for a place,
/// and is believed only below the allowed folders. No link below them is followed.
struct FileInstaller: Sendable {
    /// `files/rules/* -> /opt/rules`.
    struct Rule: Hashable, Sendable {
        var pattern: PathPattern
        var folder: String

        init(pattern: PathPattern, folder: String) {
            self.pattern = pattern
            self.folder = folder
        }

        /// nil unless it is a pattern, `->` and an absolute folder.
        init?(_ text: String) {
            let parts = text.split(separator: " ", omittingEmptySubsequences: true)
            guard parts.count == 3, parts[1] == "->", parts[2].hasPrefix("/") else { return nil }
            self.init(pattern: PathPattern(String(parts[0])), folder: String(parts[2]))
        }
    }

    /// A file's place: the allowed folder, the folders below it, and the name.
    struct Place: Hashable, Sendable {
        var root: String
        var folders: [String]
        var name: String

        var path: String { ([root == "/" ? "" : root] + folders + [name]).joined(separator: "/") }
    }

    var rules: [Rule] = []
    /// Absolute.
    var allowed: [String] = []

    /// Where a target belongs; nil: nowhere on this machine. Throws `unsafePath` for a place that is not allowed.
    func place(of target: TargetFile) throws(UpdateError) -> Place? {
        if let trouble = TargetPath.trouble(target.path) { throw UpdateError(.unsafePath, trouble) }
        let wanted: String
        if let rule = rules.first(where: { $0.pattern.matches(target.path) }) {
            wanted = "\(rule.folder)/\(target.path.split(separator: "/").last ?? "")"
        } else if case .string(let text) = target.custom?["destination"] {
            wanted = text
        } else {
            return nil
        }
        guard let parts = Self.parts(of: wanted), let name = parts.last else {
            throw UpdateError(
                .unsafePath,
                "'\(target.path)' is to be installed as '\(wanted.prefix(200))', which is no absolute path of a file")
        }
        for root in allowed {
            guard let above = Self.parts(of: root), above.count < parts.count, parts.starts(with: above) else {
                continue
            }
            return Place(root: root, folders: Array(parts[above.count..<parts.count - 1]), name: name)
        }
        throw UpdateError(
            .unsafePath,
            "'\(target.path)' is to be installed as '\(wanted.prefix(200))', which is not below any of allowed_destinations"
        )
    }

    /// Whether the file is there already. Blocks.
    func has(_ download: TargetDownload, at place: Place) throws(UpdateError) -> Bool {
        do throws(FileFailure) {
            let folder = try open(place, making: false)
            return download.matches("/proc/self/fd/\(folder.number)/\(place.name)")
        } catch {
            if error.isMissingFile { return false }
            throw Self.failure(error)
        }
    }

    /// Copies a verified file to its place, which has the old file or the new one at any moment. Blocks.
    func put(_ staged: String, at place: Place) throws(UpdateError) {
        do throws(FileFailure) {
            let folder = try open(place, making: true)
            let temporary = ".\(place.name).\(UInt32.random(in: 0 ... .max)).new"
            do throws(FileFailure) {
                try copy(staged, to: temporary, in: folder, place)
                guard renameat(folder.number, temporary, folder.number, place.name) == 0 else {
                    throw FileFailure(errno, doing: "put \(place.path) in place")
                }
            } catch {
                unlinkat(folder.number, temporary, 0)
                throw error
            }
            guard fsync(folder.number) == 0 else { throw FileFailure(errno, doing: "make \(place.path) durable") }
        } catch {
            throw Self.failure(error)
        }
    }

    private func copy(
        _ staged: String, to name: String, in folder: borrowing FileDescriptor, _ place: Place
    ) throws(FileFailure) {
        let source = try DurableFiles.open(staged, O_RDONLY | O_NOFOLLOW, doing: "read")
        let number = openat(folder.number, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard number >= 0 else { throw FileFailure(errno, doing: "write \(place.path)") }
        let copy = FileDescriptor(owning: number)
        var buffer = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = read(source.number, &buffer, buffer.count)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw FileFailure(errno, doing: "read \(staged)")
            }
            try DurableFiles.write(Array(buffer[..<count]), to: copy.number, called: place.path)
        }
        guard fchmod(copy.number, 0o644) == 0, fsync(copy.number) == 0 else {
            throw FileFailure(errno, doing: "write \(place.path)")
        }
    }

    /// The folder of a place, reached one folder after the other from the allowed one.
    private func open(_ place: Place, making: Bool) throws(FileFailure) -> FileDescriptor {
        var folder = try DurableFiles.open(place.root, O_RDONLY | O_DIRECTORY, doing: "open the folder")
        var path = place.root
        for name in place.folders {
            path += "/\(name)"
            if making, mkdirat(folder.number, name, 0o755) != 0, errno != EEXIST {
                throw FileFailure(errno, doing: "make the folder \(path)")
            }
            let number = openat(folder.number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            guard number >= 0 else { throw FileFailure(errno, doing: "open the folder \(path)") }
            folder = FileDescriptor(owning: number)
        }
        return folder
    }

    /// nil unless it is absolute, and leads nowhere by `..`.
    private static func parts(of path: String) -> [String]? {
        guard path.hasPrefix("/"), !path.utf8.contains(0) else { return nil }
        let parts = path.split(separator: "/", omittingEmptySubsequences: true).map(String.init)
        return parts.contains { $0 == "." || $0 == ".." } ? nil : parts
    }

    private static func failure(_ error: FileFailure) -> UpdateError {
        UpdateError(.storage, "\(error)", systemError: error.code)
    }
}
