public import Fleet

/// How a sweep is made, whatever it looks at.
public struct SweepRules: Sendable {
    /// Globs of fnmatch(3) over whole paths, `*` matching `/` as well: `/var/lib/docker*`, `*.iso`. A folder that matches is
    /// not entered, and counts as one.
    public var exclusions: [String]
    /// Bytes; a file that is larger is counted and not read.
    public var fileLimit: Int64
    /// Between two reports of progress.
    public var progressInterval: Duration
    /// Bytes of the report as JSON: what does not fit is left out of its detections.
    public var reportLimit: Int

    public static let largestReport = 120 << 10

    public init(
        exclusions: [String] = [], fileLimit: Int64 = 2 << 30, progressInterval: Duration = .milliseconds(250),
        reportLimit: Int = SweepRules.largestReport
    ) {
        self.exclusions = exclusions
        self.fileLimit = fileLimit
        self.progressInterval = progressInterval
        self.reportLimit = reportLimit
    }
}

/// What a sweep came to.
public struct SweepResult: Sendable {
    public var report: SweepReport
    /// Why it ended early; nil: it came to its end.
    public var stopped: SweepControl.Reason?
    /// More of the detections than the report has room for: the first 10,000.
    public var detections: [Detection]
    /// Where it began: real paths, none of which lies below another.
    public var roots: [String]
    /// None of the paths could be looked at.
    public var foundNothing: Bool

    public init(
        report: SweepReport, stopped: SweepControl.Reason?, detections: [Detection], roots: [String],
        foundNothing: Bool
    ) {
        self.report = report
        self.stopped = stopped
        self.detections = detections
        self.roots = roots
        self.foundNothing = foundNothing
    }

    static let detectionLimit = 10_000
}

/// Why a sweep does not begin.
public struct SweepRefusal: Error, Hashable, Sendable, CustomStringConvertible {
    /// A sentence.
    public var reason: String
    public var description: String { reason }
}

extension SweepParameters {
    static let pathLimit = 32
    /// Bytes, of all paths: they are in the report.
    static let pathBytesLimit = 8 << 10

    /// The paths, checked.
    public func checkedPaths() throws(SweepRefusal) -> [String] {
        guard let paths, !paths.isEmpty else { return ["/"] }
        guard paths.count <= Self.pathLimit else {
            throw SweepRefusal(reason: "A sweep takes at most \(Self.pathLimit) paths; there are \(paths.count).")
        }
        guard paths.reduce(0, { $0 + $1.utf8.count }) <= Self.pathBytesLimit else {
            throw SweepRefusal(reason: "The paths are longer than \(Self.pathBytesLimit >> 10) KiB together.")
        }
        for (index, path) in paths.enumerated() {
            guard path.utf8.first == UInt8(ascii: "/") else {
                throw SweepRefusal(reason: "Path \(index + 1) is not absolute: it must begin with '/'.")
            }
            guard !path.utf8.contains(0) else { throw SweepRefusal(reason: "Path \(index + 1) has a NUL in it.") }
        }
        return paths
    }
}
