import MusterABI

/// Limits of one listener; nil leaves the host's default, which the operator may change.
public struct HTTPLimits: Sendable, Equatable {
    /// Bytes of a request's line and header fields.
    public var headBytes: Int?
    /// Header fields in one request.
    public var headerCount: Int?
    /// Bytes of a request's body.
    public var bodyBytes: Int?
    /// How long a connection may be idle between requests.
    public var idleTimeout: Duration?
    /// How long a request's head may take to arrive.
    public var headTimeout: Duration?
    /// How long a body or an answer may make no progress at all.
    public var stallTimeout: Duration?
    /// How long the plugin may take to begin its answer.
    public var answerTimeout: Duration?

    public init() {}
}

extension Host {
    /// Serves an http or https listener on the loops: bound now, accepting after activate. In prepare alone, once for
    /// each listener.
    public func serve(
        _ listener: Listener, with handler: some RequestHandler, limits: HTTPLimits = HTTPLimits()
    ) throws(PluginError) {
        try serve(listener, LoopHandlerBox(handler, link), limits)
    }

    /// Serves an http or https listener with a task for each request. In prepare alone, once for each listener.
    public func serve(
        _ listener: Listener, with handler: some AsyncRequestHandler, limits: HTTPLimits = HTTPLimits()
    ) throws(PluginError) {
        try serve(listener, AsyncHandlerBox(handler, link), limits)
    }

    private func serve(_ listener: Listener, _ box: HandlerBox, _ limits: HTTPLimits) throws(PluginError) {
        guard link.isOpen, let server = link.server else { throw .lacking(.httpServer) }
        var error = muster_error.sized()
        var table = muster_http_limits(limits)
        let status = withABIText(listener.name) { server.serve(server.context, $0, box.table, &table, &error) }
        guard status == MUSTER_OK else {
            throw PluginError(status: status, error: error, doing: "serve the listener \(listener.name)")
        }
        link.keep(box)
    }
}

extension muster_http_limits {
    init(_ limits: HTTPLimits) {
        self = .sized()
        head_bytes = UInt32(clamping: limits.headBytes ?? 0)
        header_count = UInt32(clamping: limits.headerCount ?? 0)
        body_bytes = UInt64(clamping: limits.bodyBytes ?? 0)
        idle_timeout = limits.idleTimeout?.wholeNanoseconds ?? 0
        head_timeout = limits.headTimeout?.wholeNanoseconds ?? 0
        stall_timeout = limits.stallTimeout?.wholeNanoseconds ?? 0
        answer_timeout = limits.answerTimeout?.wholeNanoseconds ?? 0
    }
}
