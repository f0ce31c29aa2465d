internal import MusterABI
internal import Networking

/// How much a manifest may hold: generous for people, and a bound on what a broken pointer or count can cost.
enum ManifestLimits {
    /// Bytes of a name, an id or another single word.
    static let word = 256
    /// Bytes of a line of help, a summary, a URL, a default.
    static let line = 4096
    static let extensions = 64
    static let listeners = 32
    static let busDeclarations = 256
    static let options = 512
    static let choices = 256
    static let capabilities = 64
    static let processes = 16
}

/// What this host offers to plugins.
enum HostExtensions {
    static let bus = MUSTER_EXT_BUS
    static let httpClient = MUSTER_EXT_HTTP_CLIENT
    static let httpServer = MUSTER_EXT_HTTP_SERVER
    static let listener = MUSTER_EXT_LISTENER
    static let process = MUSTER_EXT_PROCESS
    static let metrics = MUSTER_EXT_METRICS
    static let state = MUSTER_EXT_STATE
    static let timer = MUSTER_EXT_TIMER
    static let work = MUSTER_EXT_WORK

    static let all = [bus, httpClient, httpServer, listener, metrics, process, state, timer, work]

    /// Why this machine lacks one of them, with what to do about it; nil: it is there. Loads what the extension needs.
    static func absence(of id: String) -> String? { id == httpClient ? HTTPClient.unavailability : nil }
}
