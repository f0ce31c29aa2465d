/// The limits of one listener. Sizes in bytes, durations in nanoseconds.
public struct HTTPLimits: Sendable, Equatable {
    /// A request's line and all its header fields: 414 while still in the line, 431 after it.
    public var headBytes: Int
    /// Header fields of one request: 431 beyond it.
    public var headerCount: Int
    /// A request's body: 413 beyond it.
    public var bodyBytes: UInt64
    /// How long a connection may be idle between requests.
    public var idleTimeout: UInt64
    /// How long a request's head may take to arrive: 408.
    public var headTimeout: UInt64
    /// How long a body or an answer may make no progress at all.
    public var stallTimeout: UInt64
    /// How long the handler may take to begin its answer: 503.
    public var answerTimeout: UInt64
    /// Connections open at once, over all addresses of the listener; a further one waits in the backlog.
    public var maxConnections: Int
    /// How long an idle connection is kept when the listener drains.
    public var drainGrace: UInt64
    /// How long a half-closed connection waits for the client to close, so that no answer is lost to a reset.
    public var lingerTimeout: UInt64

    public init(
        headBytes: Int = 16 << 10, headerCount: Int = 100, bodyBytes: UInt64 = 1 << 20,
        idleTimeout: UInt64 = 60_000_000_000, headTimeout: UInt64 = 10_000_000_000,
        stallTimeout: UInt64 = 30_000_000_000, answerTimeout: UInt64 = 60_000_000_000, maxConnections: Int = 10_000,
        drainGrace: UInt64 = 5_000_000_000, lingerTimeout: UInt64 = 2_000_000_000
    ) {
        self.headBytes = headBytes
        self.headerCount = headerCount
        self.bodyBytes = bodyBytes
        self.idleTimeout = idleTimeout
        self.headTimeout = headTimeout
        self.stallTimeout = stallTimeout
        self.answerTimeout = answerTimeout
        self.maxConnections = maxConnections
        self.drainGrace = drainGrace
        self.lingerTimeout = lingerTimeout
    }

    /// How often connections are looked at for passed limits: a quarter of the shortest limit, between 10 ms and 1 s.
    var tickInterval: UInt64 {
        let shortest = min(idleTimeout, headTimeout, stallTimeout, answerTimeout, drainGrace, lingerTimeout)
        return min(max(shortest / 4, 10_000_000), 1_000_000_000)
    }
}
