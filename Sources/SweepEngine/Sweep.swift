public import Fleet
import Glibc

/// Walks over paths and has an engine judge every file it comes to.
///
///     let result = try Sweep(engine: engine, rules: rules, control: control) { print($0) }.run(["/srv"])
///
/// Links are not followed, and what has several names is looked at once. Devices, FIFOs and sockets are never opened. Other
/// file systems are entered where they hold files; those of the network only where a path names them, and those of the
/// kernel never.
public struct Sweep: Sendable {
    private let engine: any SweepEngine
    private let rules: SweepRules
    private let control: SweepControl
    private let onProgress: @Sendable (Progress) -> Void

    /// - Parameter onProgress: called on the sweep's thread, at most once in `rules.progressInterval`.
    public init(
        engine: any SweepEngine, rules: SweepRules = SweepRules(), control: SweepControl = SweepControl(),
        onProgress: @escaping @Sendable (Progress) -> Void = { _ in }
    ) {
        self.engine = engine
        self.rules = rules
        self.control = control
        self.onProgress = onProgress
    }

    /// Blocks until all is looked at or `control` ends it.
    /// - Parameter paths: absolute, checked (`SweepParameters.checkedPaths`).
    public func run(_ paths: [String], now: () -> Timestamp = Timestamp.now) -> SweepResult {
        let startedAt = now()
        let pulse = SweepPulse(control, every: rules.progressInterval, onProgress)
        let visitor = SweepVisitor(engine, rules, pulse)
        var tally = SweepTally()
        let roots = Roots(paths)
        tally.troubles = roots.troubles
        for root in roots.paths where control.reason == nil {
            var walk = TreeWalk(visitor)
            if let trouble = walk.run(root) { tally.troubles.append(trouble) }
        }
        tally.take(visitor)
        let report = SweepReport(
            paths: paths, startedAt: startedAt, finishedAt: now(), definitions: engine.version, isComplete: true,
            coverage: visitor.coverage, detections: [], detectionCount: visitor.detectionCount)
        return SweepResult(
            report: tally.complete(report, visitor.detections, stopped: control.reason, rules),
            stopped: control.reason, detections: visitor.detections,
            roots: roots.paths.map { DisplayPath.text($0) },
            foundNothing: visitor.coverage.seen == 0 && tally.troubles.count >= paths.count)
    }

    /// Where the walks begin: real paths, none of which lies below another.
    private struct Roots {
        var paths: [[UInt8]] = []
        var troubles: [String] = []

        init(_ named: [String]) {
            var found: [[UInt8]] = []
            for path in named {
                guard let real = realpath(path, nil) else {
                    troubles.append("\(DisplayPath.text(Array(path.utf8))): \(String(cString: strerror(errno))).")
                    continue
                }
                found.append(Array(UnsafeRawBufferPointer(start: real, count: strlen(real))))
                free(real)
            }
            for path in found.sorted(by: { $0.lexicographicallyPrecedes($1) })
            where !paths.contains(where: { Self.isBelow(path, $0) }) {
                paths.append(path)
            }
        }

        /// Or the same.
        private static func isBelow(_ path: [UInt8], _ folder: [UInt8]) -> Bool {
            path.starts(with: folder)
                && (path.count == folder.count || folder.last == UInt8(ascii: "/")
                    || path[folder.count] == UInt8(ascii: "/"))
        }
    }
}

/// A path for people and for JSON.
enum DisplayPath {
    /// PATH_MAX of Linux; a deeper one loses its beginning.
    static let limit = 4096

    /// Bytes that are not UTF-8 are replaced.
    static func text(_ path: some RandomAccessCollection<UInt8>) -> String {
        guard path.count > limit else { return String(decoding: path, as: UTF8.self) }
        return "…" + String(decoding: path.suffix(limit), as: UTF8.self)
    }
}
