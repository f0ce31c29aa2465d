/// What a sweep shall do: the `parameters` of a job of the kind `sweep`.
public struct SweepParameters: Codable, Hashable, Sendable {
    /// Absolute; nil or empty: `/`.
    public var paths: [String]?

    public init(paths: [String]? = nil) { self.paths = paths }
}

/// What became of every file that a sweep came to. The counts but `bytes` add up to `seen`.
public struct SweepCoverage: Codable, Hashable, Sendable {
    public var seen = 0
    /// Read to its end and judged.
    public var scanned = 0
    /// Judged before and unchanged since.
    public var cached = 0
    public var excluded = 0
    /// Not a regular file: a device, a FIFO, a socket. Links are not followed and not counted.
    public var special = 0
    public var oversize = 0
    public var unreadable = 0
    public var changed = 0
    public var timedOut = 0
    public var engineErrors = 0
    /// Read from the files that were scanned.
    public var bytes: Int64 = 0

    public init() {}

    public var sum: Int {
        scanned + cached + excluded + special + oversize + unreadable + changed + timedOut + engineErrors
    }
}

public struct Detection: Codable, Hashable, Sendable {
    public enum Severity: String, Codable, Sendable, CaseIterable {
        case low, medium, high
    }

    /// Bytes that are not UTF-8 are replaced.
    public var path: String
    /// The signature's name.
    public var threat: String
    public var severity: Severity
    /// Of the file, in hexadecimal.
    public var sha256: String
    public var size: Int64
    /// `reported`.
    public var action: String

    public init(
        path: String, threat: String, severity: Severity, sha256: String, size: Int64, action: String = "reported"
    ) {
        self.path = path
        self.threat = threat
        self.severity = severity
        self.sha256 = sha256
        self.size = size
        self.action = action
    }
}

/// The result of a sweep.
public struct SweepReport: Codable, Hashable, Sendable {
    public var paths: [String]
    public var startedAt: Timestamp
    public var finishedAt: Timestamp
    /// Of the definitions that it was made with.
    public var definitions: String
    /// Everything that was to be looked at was.
    public var isComplete: Bool
    /// Why not: sentences.
    public var reasons: [String]
    public var coverage: SweepCoverage
    /// The first; `detectionCount` has them all.
    public var detections: [Detection]
    public var detectionCount: Int

    public init(
        paths: [String], startedAt: Timestamp, finishedAt: Timestamp, definitions: String, isComplete: Bool,
        reasons: [String] = [], coverage: SweepCoverage, detections: [Detection], detectionCount: Int
    ) {
        self.paths = paths
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.definitions = definitions
        self.isComplete = isComplete
        self.reasons = reasons
        self.coverage = coverage
        self.detections = detections
        self.detectionCount = detectionCount
    }
}
