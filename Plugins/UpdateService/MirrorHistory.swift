import Files
import Fleet

/// What is remembered of the mirror through restarts: when it last succeeded, and since when it does not. Blocks.
struct MirrorHistory: Sendable {
    let path: String

    /// nil where there is none that can be read.
    func read() -> MirrorStanding? {
        guard let bytes = try? DurableFiles.read(path, upTo: 64 << 10) else { return nil }
        return try? FleetJSON.decode(from: bytes)
    }

    /// A disk that is full is told of elsewhere: nothing hangs on this file.
    func write(_ standing: MirrorStanding) {
        guard let bytes = try? FleetJSON.encode(standing) else { return }
        try? DurableFiles.replace(path, with: bytes, mode: 0o600)
    }
}
