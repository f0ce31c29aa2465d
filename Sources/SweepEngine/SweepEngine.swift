public import Fleet

/// What judges files. The engines that parse content (ClamAV, YARA) run in a process of their own and join behind this
/// protocol; `HashList` only compares digests.
///
/// Threads: any, several at once.
public protocol SweepEngine: Sendable {
    /// Of its definitions, as people tell them apart.
    var version: String { get }
    var signatureCount: Int { get }
    /// When the definitions were made, or else changed; nil: not known.
    var date: Timestamp? { get }

    /// Reads an open regular file to its end and judges it.
    ///
    /// - Parameters:
    ///   - descriptor: borrowed, open for reading, its position at the beginning.
    ///   - facts: as the file was when it was opened.
    ///   - watch: asked before each piece that is read, and told how much was.
    func judge(
        _ descriptor: CInt, _ facts: FileFacts, _ watch: ReadWatch
    ) throws(JudgementFailure) -> Judgement
}

/// What tells one content of a file from another.
public struct FileFacts: Hashable, Sendable {
    public var device: UInt64
    public var inode: UInt64
    /// Bytes.
    public var size: Int64
    public var links: UInt64
    /// st_mode of stat(2).
    public var mode: UInt32
    /// Nanoseconds since 1970, cut to what Int64 holds: when the content changed, as its owner may set it.
    public var modified: Int64
    /// When content or attributes changed, as the kernel alone sets it.
    public var changed: Int64

    public init(
        device: UInt64, inode: UInt64, size: Int64, links: UInt64 = 1, mode: UInt32, modified: Int64, changed: Int64
    ) {
        self.device = device
        self.inode = inode
        self.size = size
        self.links = links
        self.mode = mode
        self.modified = modified
        self.changed = changed
    }
}

/// What an engine found a file to be.
public struct Judgement: Hashable, Sendable {
    /// 32 bytes.
    public var sha256: [UInt8]
    /// nil: nothing that the definitions know.
    public var threat: Threat?

    public init(sha256: [UInt8], threat: Threat? = nil) {
        self.sha256 = sha256
        self.threat = threat
    }
}

/// What a signature says.
public struct Threat: Hashable, Sendable {
    public var name: String
    public var severity: Detection.Severity

    public init(name: String, severity: Detection.Severity) {
        self.name = name
        self.severity = severity
    }

    /// The severity is read from the name, as ClamAV's names have it: `PUA.` is unwanted rather than harmful, and
    /// `Heuristics.` a guess.
    public init(name: String) {
        self.init(
            name: name, severity: name.hasPrefix("PUA.") ? .low : name.hasPrefix("Heuristics.") ? .medium : .high)
    }
}

/// Why a file was not judged.
public enum JudgementFailure: Error, Hashable, Sendable {
    /// The sweep shall end.
    case stopped
    /// errno of a read.
    case unreadable(CInt)
    /// It has more bytes than it had when it was opened.
    case changed
    /// The engine itself failed: a sentence.
    case engine(String)
}

/// Lets whoever started a sweep follow an engine through a large file, and stop it there.
public struct ReadWatch: Sendable {
    /// Called after each piece with the bytes read since the last call; false: stop.
    let mayGoOn: @Sendable (_ bytes: Int) -> Bool

    public init(_ mayGoOn: @escaping @Sendable (_ bytes: Int) -> Bool) { self.mayGoOn = mayGoOn }

    public func read(_ bytes: Int) throws(JudgementFailure) {
        guard mayGoOn(bytes) else { throw .stopped }
    }
}
