internal import OpenSSL

/// Why an identity, a request for one, or a token cannot be used or made: a sentence without its full stop, which says
/// what to do where there is something. It quotes no secret.
public struct FleetIdentityError: Error, Sendable, Equatable, CustomStringConvertible {
    public var reason: String

    public init(reason: String) { self.reason = reason }

    init(_ reason: String) { self.reason = reason }

    init(_ doing: String, _ failure: OpenSSLFailure) { self.init("\(doing): \(failure.sentence)") }

    public var description: String { reason }
}

/// Runs what OpenSSL does, and says of a failure what was being done.
func openSSL<Value: ~Copyable>(
    _ doing: @autoclosure () -> String, _ body: () throws(OpenSSLFailure) -> Value
) throws(FleetIdentityError) -> Value {
    do throws(OpenSSLFailure) {
        return try body()
    } catch {
        throw FleetIdentityError(doing(), error)
    }
}
