import Files
import Glibc
import UpdateTrust

/// Why the repository was not brought up to date, for status, log and back-off.
struct MirrorTrouble: Error, Sendable, Equatable, CustomStringConvertible {
    /// A word for programs: `expired`, `unreachable`, `disk_full`.
    var cause: String
    var role: String?
    /// For people, without its full stop.
    var sentence: String
    var retryAfter: Duration?

    init(_ cause: String, role: String? = nil, _ sentence: String, retryAfter: Duration? = nil) {
        self.cause = cause
        self.role = role
        self.sentence = sentence
        self.retryAfter = retryAfter
    }

    init(_ error: any Error) {
        switch error {
        case let trouble as MirrorTrouble: self = trouble
        case let error as UpdateError:
            self.init(
                Self.word(of: error), role: error.role, Self.sentence(of: error),
                retryAfter: error.transport?.retryAfter)
        case let failure as FileFailure:
            self.init(
                Self.isFull(failure.code) ? Self.diskFull : "storage",
                Self.isFull(failure.code) ? "\(failure)\(Self.makeRoom)" : "\(failure)")
        case is CancellationError: self.init(Self.cancelled, "the component stops")
        default: self.init("storage", "\(error)")
        }
    }

    static let cancelled = TransportFailure.Cause.cancelled.rawValue
    static let locked = UpdateError.Cause.locked.rawValue

    var isCancelled: Bool { cause == Self.cancelled }

    var description: String { role.map { "\($0): \(sentence)" } ?? sentence }

    static let diskFull = "disk_full"
    private static let makeRoom = "; make room, the last good snapshot is served until then"

    private static func isFull(_ code: Int32?) -> Bool { code == ENOSPC || code == EDQUOT }

    private static func word(of error: UpdateError) -> String {
        if error.cause == .storage, isFull(error.systemError) { return diskFull }
        if error.cause == .transport, let transport = error.transport { return transport.cause.rawValue }
        return error.cause.rawValue
    }

    private static func sentence(of error: UpdateError) -> String {
        error.cause == .storage && isFull(error.systemError) ? error.message + makeRoom : error.message
    }
}
