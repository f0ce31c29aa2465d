import Glibc

/// A folder for the time of one command, in a place from which code may be loaded; removed with what is in it.
final class ScratchDirectory {
    let path: String

    init(environment: [String: String]) throws(Refusal) {
        for place in [environment["TMPDIR"], "/tmp", "/var/tmp", "/run", "/dev/shm"].compactMap(\.self) {
            var status = statvfs()
            // 8: ST_NOEXEC of statvfs(3).
            guard place.hasPrefix("/"), statvfs(place, &status) == 0, status.f_flag & 8 == 0 else { continue }
            var template = Array("\(place)/muster-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { continue }
            path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // Whom workers run as has to pass through, and need not look around.
            _ = chmod(path, 0o711)
            return
        }
        throw Refusal(reason: "there is no place for temporary copies of plugins: every one is mounted noexec or full")
    }

    deinit { Self.remove(path, depth: 0) }

    private static func remove(_ path: String, depth: Int) {
        for name in depth < 4 ? (try? Files.names(in: path)) ?? [] : [] {
            let entry = "\(path)/\(name)"
            if unlink(entry) != 0 { remove(entry, depth: depth + 1) }
        }
        _ = rmdir(path)
    }
}
