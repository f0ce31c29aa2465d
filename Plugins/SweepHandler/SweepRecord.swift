import Fleet
import SweepEngine

/// What is remembered of the sweeps of this machine: the last, and the detections that nothing was done about. Pure.
struct SweepRecord: Codable, Hashable, Sendable {
    private(set) var last: ClientStatus.Sweep?
    /// Signatures by path.
    private(set) var open: [String: String] = [:]
    /// Open detections for which there was no room.
    private(set) var beyond = 0

    static let openLimit = 2000
    /// Bytes of all paths.
    static let openBytes = 1 << 20

    var openDetections: Int { open.count + beyond }

    /// A sweep that ran to its end says what is there below its paths, and replaces what was known of them. One that was
    /// ended early only adds what it found.
    mutating func add(_ result: SweepResult) {
        let isWhole = result.stopped == nil
        let isFull = result.roots.contains("/")
        if isWhole {
            open = open.filter { path, _ in !result.roots.contains { Self.isBelow(path, $0) } }
            if isFull { beyond = 0 }
            last = ClientStatus.Sweep(
                finishedAt: result.report.finishedAt, isComplete: result.report.isComplete, isFull: isFull,
                coverage: result.report.coverage, detections: result.report.detectionCount)
        }
        var bytes = open.keys.reduce(0) { $0 + $1.utf8.count }
        var known = 0
        for detection in result.detections {
            if open[detection.path] == nil {
                bytes += detection.path.utf8.count
                guard open.count < Self.openLimit, bytes <= Self.openBytes else { continue }
            }
            open[detection.path] = detection.threat
            known += 1
        }
        if isWhole { beyond += result.report.detectionCount - known }
    }

    private static func isBelow(_ path: String, _ root: String) -> Bool {
        root == "/" || path == root || path.hasPrefix(root + "/")
    }
}
