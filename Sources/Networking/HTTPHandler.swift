/// Why an exchange ended before its answer was whole. The values are those of `muster_abort_reason`.
public enum AbortReason: UInt32, Sendable {
    /// The client closed or reset the connection. A client that closes its sending half before it has its answer counts
    /// as gone, since it cannot be told from one that has left.
    case clientGone = 1
    /// A time limit passed.
    case timeout = 2
    /// The client's message broke the protocol or a limit in the middle of its body.
    case badRequest = 3
    /// The drain deadline passed.
    case shutdown = 4
}

/// What answers the requests of a listener.
///
/// All calls for one exchange come on one event loop and must not block. Their order is `onRequest`, `onBody` for each
/// piece, `onBodyEnd`; `onAbort` comes at most once and last. Nothing is called for an exchange that was answered in full.
public protocol HTTPHandler: AnyObject, Sendable {
    /// A request has come. `request`, and all it points to, is valid until this returns.
    func onRequest(_ exchange: ExchangeID, _ request: HTTPRequestHead)
    /// A piece of the body, valid until this returns.
    func onBody(_ exchange: ExchangeID, _ piece: UnsafeRawBufferPointer)
    /// The body is complete.
    func onBodyEnd(_ exchange: ExchangeID)
    /// The exchange is over though it was not answered in full.
    func onAbort(_ exchange: ExchangeID, _ reason: AbortReason)
    /// After a write that was refused with `.busy`: there is room again.
    func onWritable(_ exchange: ExchangeID)
}

/// What a call for an exchange came to.
public enum ExchangeResult: Sendable {
    case done
    /// The exchange is over.
    case gone
    /// The call does not fit what was called before.
    case wrongState
    /// An argument is not allowed.
    case invalid
    /// There is no room at present; nothing was taken, `onWritable` follows.
    case busy
}
