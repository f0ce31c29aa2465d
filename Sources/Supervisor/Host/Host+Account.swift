public import Configuration

/// Whom workers would run as.
public struct WorkerAccount: Equatable, Sendable {
    public var name: String
    public var userID: UInt32
    public var groupID: UInt32
}

/// Why nobody can be found to run workers as: a sentence for the operator.
public struct WorkerAccountProblem: Error, Equatable, Sendable, CustomStringConvertible {
    public var description: String
}

extension Host {
    /// Whom a host that this process became would run its workers as; nil: whoever this process is.
    public static func workerAccount(for host: HostSettings) throws(WorkerAccountProblem) -> WorkerAccount? {
        do throws(Refusal) {
            return try HostPrivileges.account(for: host).map {
                WorkerAccount(name: $0.name, userID: $0.userID, groupID: $0.groupID)
            }
        } catch {
            throw WorkerAccountProblem(description: error.reason)
        }
    }
}
