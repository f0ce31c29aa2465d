import Glibc

@testable import Supervisor

/// A folder of a test's own, removed with what is in it.
final class TemporaryFolder {
    let path: String

    init() throws {
        var template = Array("/tmp/muster-tests-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError("mkdtemp") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { Self.remove(path) }

    func file(_ name: String, _ text: String = "text", mode: mode_t = 0o644) throws -> String {
        let file = "\(path)/\(name)"
        try Files.makeDirectory(Files.directory(of: file), mode: 0o755)
        try Files.replace(file, with: [UInt8](text.utf8), mode: mode)
        return file
    }

    private static func remove(_ path: String) {
        for name in (try? Files.names(in: path)) ?? [] {
            let entry = "\(path)/\(name)"
            if unlink(entry) != 0 { remove(entry) }
        }
        _ = rmdir(path)
    }
}

/// How many descriptors this process has open.
func openDescriptorCount() -> Int { (try? Files.names(in: "/proc/self/fd").count) ?? -1 }

/// The children of this process, zombies included.
func childCount() -> Int {
    let tasks = (try? Files.names(in: "/proc/self/task")) ?? []
    return tasks.reduce(0) { count, task in
        let list = (try? Files.read("/proc/self/task/\(task)/children", limit: 1 << 20)) ?? []
        return count + list.split(separator: UInt8(ascii: " ")).count
    }
}
