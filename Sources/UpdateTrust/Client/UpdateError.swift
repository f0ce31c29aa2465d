/// Why something of a repository was refused, or could not be had: what, where, and for which of TUF's reasons.
public struct UpdateError: Error, Sendable, CustomStringConvertible {
    public enum Cause: String, Hashable, Sendable, Codable {
        /// Not a document of its kind.
        case malformed
        /// Signed by too few of those who may, or by none.
        case unsigned
        /// Older than what was seen before (TUF section 1.5.2, rollback attacks).
        case rollback
        /// Not renewed in time: somebody holds newer files back, or the publisher is late (freeze attacks).
        case expired
        /// Not what the file that names it says: version, length or digest (mix-and-match, arbitrary software).
        case mismatch
        /// Larger than it may be (endless data).
        case tooLarge
        /// Not in the repository, though it should be.
        case missing
        /// No role signs for such a target.
        case noTarget
        /// A name that would lead out of its folder.
        case unsafePath
        /// This machine's clock was set back.
        case clock
        /// More roots or delegations than are followed.
        case tooMany
        /// The server could not be reached, or did not answer as it should: see `transport`.
        case transport
        /// A file of this machine could not be read or written: see `systemError`.
        case storage
        /// Another process has the folder.
        case locked
    }

    public var cause: Cause
    /// The role it is about: `timestamp`.
    public var role: String?
    /// A sentence without its full stop.
    public var message: String
    /// errno; ENOSPC for a full disk.
    public var systemError: Int32?
    public var transport: TransportFailure?

    public init(
        _ cause: Cause, role: String? = nil, _ message: String, systemError: Int32? = nil,
        transport: TransportFailure? = nil
    ) {
        self.cause = cause
        self.role = role
        self.message = message
        self.systemError = systemError
        self.transport = transport
    }

    public var description: String { role.map { "\($0): \(message)" } ?? message }

    /// Whether trying again, or asking somebody else, may help: nothing that is signed was found wrong.
    public var isOfTransport: Bool { cause == .transport }
}
