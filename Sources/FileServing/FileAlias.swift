public import PluginKit

/// What a request for a file says beside its path, kept until the file is known.
public struct FileRequest: Sendable {
    let method: Method
    let conditions: Conditions?

    public init(_ request: borrowing Request) {
        method = request.method
        conditions = Conditions(request)
    }
}

/// A file that is asked for by another path than its own, which may name one file now and another later.
public struct FileAlias: Sendable, Hashable {
    /// The file's own path below the folder, percent-encoded, beginning with a slash.
    public var path: [UInt8]
    /// What it is known by in the cache: another for each file that the alias ever names.
    public var key: [UInt8]
    /// Seconds since 1970: an older date of the file's own is not told, so that the date of the alias never goes back when
    /// it names an older file.
    public var notModifiedBefore: Int64

    public init(path: [UInt8], key: [UInt8], notModifiedBefore: Int64) {
        self.path = path
        self.key = key
        self.notModifiedBefore = notModifiedBefore
    }
}

/// Counts what is sent, from any thread; it must not block.
public protocol AnswerMeter: AnyObject, Sendable {
    /// - Parameters:
    ///   - bytes: of the body that was just handed to the host.
    ///   - client: as the request's handler was told.
    func count(_ bytes: UInt64, client: UInt64)
}

extension Representation {
    /// Bytes of the body that a GET with these conditions is answered with.
    func bodySize(_ conditions: Conditions, now: Int64) -> UInt64 {
        switch conditions.verdict(.get, validators, now: now) {
        case .whole: state.size
        case .parts(let parts): parts.reduce(0) { $0 &+ ($1.upperBound - $1.lowerBound) }
        case .notModified, .preconditionFailed, .rangeNotSatisfiable: 0
        }
    }
}
