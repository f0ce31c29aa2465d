import Files
import FoundationEssentials

/// Which content each plain path had last, and since when, kept so that dates do not go back with a restart. Blocks.
struct IndexMemory: Sendable {
    let path: String

    private static let limit = 256 << 20

    private struct Line: Codable {
        var file: String
        var since: Int64
    }

    /// Nothing where there is nothing that can be read.
    func read() -> [String: FilesIndex.Entry] {
        guard let bytes = try? DurableFiles.read(path, upTo: Self.limit),
            let lines = try? JSONDecoder().decode([String: Line].self, from: Data(bytes))
        else { return [:] }
        return lines.mapValues { FilesIndex.Entry(file: $0.file, since: $0.since) }
    }

    func write(_ entries: [String: FilesIndex.Entry]) {
        let lines = entries.mapValues { Line(file: $0.file, since: $0.since) }
        guard let text = try? JSONEncoder().encode(lines) else { return }
        // Only dates hang on it: what cannot be written is not.
        try? DurableFiles.replace(path, with: [UInt8](text), mode: 0o600)
    }
}
