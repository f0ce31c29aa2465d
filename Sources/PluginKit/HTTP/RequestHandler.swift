/// Answers the requests of a listener on the worker's event loops.
///
/// Several loops call at once; all calls for one exchange come from one loop. None may block: ten seconds of silence end
/// the worker. What takes longer goes to `Host.work`, and is answered from there. What `handle` or `receive` throws is
/// logged and answered with 500.
public protocol RequestHandler: AnyObject, Sendable {
    /// A request has come. Answer now, or keep `exchange` and answer later from any thread.
    func handle(_ request: borrowing Request, _ exchange: Exchange) throws

    /// A piece of the request's body. By default it is thrown away.
    func receive(_ piece: Span<UInt8>, _ exchange: Exchange) throws

    /// The request's body is complete.
    func endOfBody(_ exchange: Exchange) throws

    /// The exchange is over though it was not answered in full. Nothing follows.
    func aborted(_ exchange: Exchange, _ reason: AbortReason)

    /// After `tryWrite` answered `busy`: there is room again.
    func writable(_ exchange: Exchange)
}

extension RequestHandler {
    public func receive(_ piece: Span<UInt8>, _ exchange: Exchange) throws {}
    public func endOfBody(_ exchange: Exchange) throws {}
    public func aborted(_ exchange: Exchange, _ reason: AbortReason) {}
    public func writable(_ exchange: Exchange) {}
}

/// Answers the requests of a listener in a task of each request's own.
///
/// The task is cancelled when the client leaves or the component stops. What it throws, unless it is cancelled or the
/// exchange is over, is logged and answered with 500, and so is a return without an answer.
public protocol AsyncRequestHandler: AnyObject, Sendable {
    /// A request has come. The answer is whole when it returns.
    /// - Parameter body: the request's body; reading slowly holds the client back.
    func handle(_ request: RequestHead, body: RequestBody, _ exchange: Exchange) async throws
}

/// Why an exchange ended before its answer was sent whole.
public enum AbortReason: Sendable, Equatable {
    case clientGone
    /// The client stalled, or the plugin never answered.
    case timeout
    /// The client's message broke the protocol or a limit.
    case badRequest
    /// The drain deadline passed.
    case shutdown
    /// A reason that a newer host knows.
    case other
}
