import Glibc

@testable import Configuration

/// Files beside the tests, and files that a test makes for itself.
enum TestFiles {
    struct Failure: Error { var what: String }

    private static let folder = FilePath.folder(of: #filePath)

    /// MUSTER_RECORD=1 writes the expected files anew instead of comparing with them.
    static var isRecording: Bool { getenv("MUSTER_RECORD").map { String(cString: $0) } == "1" }

    /// The names in one folder beside the tests, sorted.
    static func names(in name: String, endingWith suffix: String) -> [String] {
        guard let stream = opendir("\(folder)/\(name)") else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(suffix) { names.append(name) }
        }
        return names.sorted()
    }

    static func read(_ name: String) throws -> [UInt8] {
        try FileAccess.read("\(folder)/\(name)", limit: 16 << 20).bytes
    }

    static func write(_ text: String, to name: String) throws {
        try write(Array(text.utf8), toPath: "\(folder)/\(name)", permissions: 0o644)
    }

    static func write(_ bytes: [UInt8], toPath path: String, permissions: mode_t) throws {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, permissions)
        guard descriptor >= 0 else { throw Failure(what: "open \(path)") }
        defer { close(descriptor) }
        guard fchmod(descriptor, permissions) == 0, Glibc.write(descriptor, bytes, bytes.count) == bytes.count else {
            throw Failure(what: "write \(path)")
        }
    }

    /// Runs `body` with a new folder, and removes it and the files in it.
    static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
        var template = Array("/tmp/muster-configuration-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure(what: "mkdtemp") }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            if let stream = opendir(path) {
                while let entry = readdir(stream) {
                    let name = withUnsafePointer(to: &entry.pointee.d_name) {
                        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                    }
                    if name != ".", name != ".." { unlink("\(path)/\(name)") }
                }
                closedir(stream)
            }
            rmdir(path)
        }
        return try body(path)
    }
}
