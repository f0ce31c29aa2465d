import Glibc
import PluginKit
import Locks

/// What becomes of a file that cannot be opened or read, and the log of it: once for each file and reason, not once for
/// each request.
final class Troubles: Sendable {
    /// The answer to a client.
    enum Answer: Equatable {
        case notFound, forbidden, busy, failed

        func send(_ exchange: Exchange) {
            switch self {
            case .notFound: Answers.notFound(exchange)
            case .forbidden: Answers.forbidden(exchange)
            case .busy: Answers.busy(exchange)
            case .failed: Answers.failed(exchange)
            }
        }
    }

    private let log: Log
    private let told = Locked<Set<String>>([])
    /// So many are remembered; then it begins anew.
    private static let memory = 256

    init(log: Log) { self.log = log }

    func answer(to error: SystemError, at path: String) -> Answer {
        switch error.code {
        case ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, ENXIO: return .notFound
        case EACCES, EPERM:
            tell("A file is asked for that the component may not read.", path, error)
            return .forbidden
        case EMFILE, ENFILE, ENOMEM:
            tell("No more files can be opened: raise the limit or lower cache.open_files.", "", error)
            return .busy
        default:
            tell("A file could not be read.", path, error)
            return .failed
        }
    }

    private func tell(_ message: String, _ path: String, _ error: SystemError) {
        let isNew = told.withLock { told in
            if told.count >= Self.memory { told.removeAll() }
            return told.insert("\(error.code) \(path)").inserted
        }
        if isNew {
            log.warning(message, path.isEmpty ? ["reason": error.reason] : ["file": path, "reason": error.reason])
        }
    }
}
