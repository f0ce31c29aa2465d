internal import Files

/// Why something was not done with a repository: a sentence without its full stop, with what to do.
public struct RepositoryFailure: Error, Hashable, Sendable, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }

    init(_ error: any Error) { description = (error as? RepositoryFailure)?.description ?? "\(error)" }
}

/// Runs what may fail in several ways, with one way for the caller.
func explaining<Value>(_ body: () throws -> Value) throws(RepositoryFailure) -> Value {
    do {
        return try body()
    } catch {
        throw RepositoryFailure(error)
    }
}
