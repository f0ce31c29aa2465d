import Glibc

/// A folder that is gone with the test.
final class TestFolder: Sendable {
    let path: String

    init() throws {
        var name = Array("/tmp/muster-update-XXXXXX".utf8CString)
        guard let made = mkdtemp(&name) else { throw Failure(code: errno) }
        path = String(cString: made)
    }

    struct Failure: Error { var code: CInt }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if let folder = opendir(path) {
            while let entry = readdir(folder) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { remove("\(path)/\(name)") }
            }
            closedir(folder)
        }
        _ = Glibc.remove(path)
    }
}
