/// Why a machine did not become a member: for a person, each without its full stop and the second with it.
public struct EnrolmentFailure: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: String, Equatable, Sendable, CaseIterable {
        case unresolved, unreachable, noAnswer, notTLS, wrongFingerprint, untrusted, clockSkew, notTheServer
        /// The server said no: `message` is its sentence.
        case refused
        /// It answered what no company server answers.
        case misunderstood
        /// Something of this machine is in the way.
        case local
    }

    public var code: Code
    public var message: String
    public var advice: String?

    public init(_ code: Code, _ message: String, advice: String? = nil) {
        self.code = code
        self.message = message
        self.advice = advice
    }

    public var description: String { advice.map { "\(message); \($0)" } ?? message }
}
