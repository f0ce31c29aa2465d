import Fleet
import Locks

/// How far a sweep has come, said now and then; asked before each file and each piece of one whether it may go on.
final class SweepPulse: Sendable {
    private struct State {
        var progress = Progress(files: 0, bytes: 0, detections: 0)
        var fileBytes = 0
        var path: [UInt8] = []
        var toldAt: SuspendingClock.Instant?
    }

    private let control: SweepControl
    private let interval: Duration
    private let onProgress: @Sendable (Progress) -> Void
    private let state = Locked(State())

    init(_ control: SweepControl, every interval: Duration, _ onProgress: @escaping @Sendable (Progress) -> Void) {
        self.control = control
        self.interval = interval
        self.onProgress = onProgress
    }

    var mayGoOn: Bool { control.reason == nil }

    /// Reading a file begins.
    func begin(_ path: [UInt8]) {
        state.withLock { state in
            state.path = path
            state.fileBytes = 0
        }
    }

    /// A piece was read.
    func read(_ bytes: Int) -> Bool {
        state.withLock { $0.fileBytes += bytes }
        tell()
        return mayGoOn
    }

    /// Bytes read since `begin`.
    var fileBytes: Int { state.withLock { $0.fileBytes } }

    /// A file has its count.
    func counted(scannedBytes: Int, detections: Int) {
        state.withLock { state in
            state.progress.files = (state.progress.files ?? 0) + 1
            state.progress.bytes = (state.progress.bytes ?? 0) + scannedBytes
            state.progress.detections = detections
            state.fileBytes = 0
        }
        tell()
    }

    private func tell() {
        let now = SuspendingClock.now
        let due = state.withLock { state -> Progress? in
            if let toldAt = state.toldAt, now - toldAt < interval { return nil }
            state.toldAt = now
            var progress = state.progress
            progress.bytes = (progress.bytes ?? 0) + state.fileBytes
            progress.path = DisplayPath.text(state.path)
            return progress
        }
        if let due { onProgress(due) }
    }
}
