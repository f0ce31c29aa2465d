import FoundationEssentials
import Glibc

/// Which content each plain path had last, and since when, kept so that dates do not go back with a restart. Blocks.
struct IndexMemory: Sendable {
    let path: String

    private struct Line: Codable {
        var file: String
        var since: Int64
    }

    /// Nothing where there is nothing that can be read.
    func read() -> [String: FilesIndex.Entry] {
        guard let bytes = StateFile.read(path),
            let lines = try? JSONDecoder().decode([String: Line].self, from: Data(bytes))
        else { return [:] }
        return lines.mapValues { FilesIndex.Entry(file: $0.file, since: $0.since) }
    }

    func write(_ entries: [String: FilesIndex.Entry]) {
        let lines = entries.mapValues { Line(file: $0.file, since: $0.since) }
        guard let text = try? JSONEncoder().encode(lines) else { return }
        StateFile.replace(path, with: [UInt8](text))
    }
}

/// Small files of the state directory that nothing depends on but numbers and dates: what cannot be written is not.
enum StateFile {
    private static let limit = 256 << 20

    static func read(_ path: String) -> [UInt8]? {
        guard let data = FileManager.default.contents(atPath: path), data.count <= limit else { return nil }
        return [UInt8](data)
    }

    /// Whole or not at all.
    static func replace(_ path: String, with bytes: [UInt8]) {
        let temporary = "\(path).new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 { written += count } else if errno != EINTR { break }
        }
        let isWhole = written == bytes.count && fsync(descriptor) == 0
        close(descriptor)
        if !isWhole || rename(temporary, path) != 0 { unlink(temporary) }
    }
}
