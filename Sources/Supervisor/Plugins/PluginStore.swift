import ControlProtocol
import Glibc

/// Immutable copies of the plugins that run, by content: `data_dir/plugins/<sha256>/<file>`.
///
/// A worker loads the copy, so that a file that is overwritten in place is neither stale code nor a SIGBUS, and so that
/// a worker that is restarted loads what it loaded before.
final class PluginStore {
    /// ST_NOEXEC of statvfs(3).
    private static let noExec: UInt = 8

    struct Copy: Equatable, Sendable {
        var digest: String
        var path: String
    }

    let directory: String
    /// Files that were read, so that an unchanged one is not read again.
    private var known: [String: (identity: TrustedFile.Identity, digest: String)] = [:]
    /// Copies whose content was checked by this process.
    private var checked: Set<String> = []

    init(directory: String) {
        self.directory = directory
    }

    /// The copy of a plugin's file, made now where there is none.
    func stage(_ path: String) throws(Refusal) -> Copy {
        let file = try TrustedFile(path)
        try refuseNoExec()
        do throws(SystemError) {
            return try copy(file, of: path)
        } catch {
            throw Refusal(reason: "cannot keep a copy of \(path): \(error)")
        }
    }

    /// A copy that was made before, checked again; nil where it is gone or not what it was.
    func copy(digest: String, fileName: String) -> Copy? {
        let path = "\(directory)/\(digest)/\(fileName)"
        return isSound(path, digest) ? Copy(digest: digest, path: path) : nil
    }

    /// The digest of what is at `path` now; nil where that is not to be had. Reads the file only if it has changed.
    func currentDigest(of path: String) -> String? {
        guard let file = try? TrustedFile(path) else { return nil }
        return try? digest(file, path)
    }

    /// Removes every copy but these digests, and what an interrupted copy left behind.
    func retain(_ digests: Set<String>) {
        for name in (try? Files.names(in: directory)) ?? [] where !digests.contains(name) {
            let isCopy = name.utf8.count == 64 && name.allSatisfy(\.isHexDigit)
            guard isCopy || name.hasPrefix(".incoming") else { continue }
            checked.remove(name)
            let path = "\(directory)/\(name)"
            for file in (try? Files.names(in: path)) ?? [] { _ = unlink("\(path)/\(file)") }
            if rmdir(path) != 0 { _ = unlink(path) }
        }
    }

    // MARK: Copying

    private func digest(_ file: TrustedFile, _ path: String) throws(SystemError) -> String {
        if let former = known[path], former.identity == file.identity { return former.digest }
        let digest = try file.digest()
        known[path] = (file.identity, digest)
        return digest
    }

    private func copy(_ file: TrustedFile, of path: String) throws(SystemError) -> Copy {
        let name = Files.name(of: path)
        let digest = try digest(file, path)
        try Files.makeDirectory(directory, mode: 0o755)
        let target = "\(directory)/\(digest)/\(name)"
        if isSound(target, digest) { return Copy(digest: digest, path: target) }
        let copied = try write(file, name)
        // It was changed between the two readings: what was copied is what counts.
        if copied.digest != digest { known[path] = nil }
        return copied
    }

    /// Copies into a file without a name that means anything, then gives it its place.
    private func write(_ file: TrustedFile, _ name: String) throws(SystemError) -> Copy {
        let incoming = "\(directory)/.incoming-\(getpid())"
        _ = unlink(incoming)
        defer { _ = unlink(incoming) }
        let copy = try Files.open(incoming, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        try file.read { bytes throws(SystemError) in try Files.write(bytes, to: copy, incoming) }
        let text = try Files.digest(copy, incoming)
        try retrying("setting the mode of \(incoming)") { fchmod(copy.rawValue, 0o555) }
        try retrying("writing \(incoming)") { fsync(copy.rawValue) }
        let folder = "\(directory)/\(text)"
        try Files.makeDirectory(folder, mode: 0o755)
        try retrying("renaming to \(folder)/\(name)") { rename(incoming, "\(folder)/\(name)") }
        checked.insert(text)
        return Copy(digest: text, path: "\(folder)/\(name)")
    }

    /// Whether the copy is there and is what its name says; read once in the life of this process.
    private func isSound(_ path: String, _ digest: String) -> Bool {
        guard access(path, R_OK) == 0 else { return false }
        if checked.contains(digest) { return true }
        guard let file = try? TrustedFile(path), (try? file.digest()) == digest else { return false }
        checked.insert(digest)
        return true
    }

    /// The folder itself may be missing still: then what it will be made in tells.
    private func refuseNoExec() throws(Refusal) {
        var place = directory
        var status = statvfs()
        while statvfs(place, &status) != 0 {
            guard errno == ENOENT, place != "/", place != "." else { return }
            place = Files.directory(of: place)
        }
        guard status.f_flag & Self.noExec == 0 else {
            throw Refusal(
                reason: "\(directory) is on a file system mounted noexec, from which no plugin can be loaded; "
                    + "set host.data_dir to another place, or mount it with exec")
        }
    }
}
