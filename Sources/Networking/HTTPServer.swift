internal import Glibc
internal import NIOCore
internal import NIOPosix
import Locks

/// Serves HTTP/1.1 on the sockets of one listener.
///
///     adopt (each socket) ─► startAccepting ⇄ pauseAccepting ─► drain ─► close
///
/// `adopt`, `startAccepting`, `pauseAccepting` and `close` wait for the event loops, briefly, and so must not be called on
/// one.
public final class HTTPServer: Sendable {
    private struct State {
        var gates: [(gate: AcceptGate, channel: any Channel, descriptor: CInt)] = []
        var isAccepting = false
        var whenDrained: (@Sendable () -> Void)?
        var drainTimers: [Scheduled<Void>] = []
    }

    private let loops: HTTPLoops
    private let shards: [ListenerShard]
    private let count: ConnectionCount
    private let state = Locked(State())
    /// nil: plain HTTP.
    private let tls: Locked<TLSContext?>

    /// - Parameter tls: what the listener is served over TLS with; nil: plain HTTP.
    public init(loops: HTTPLoops, limits: HTTPLimits, handler: any HTTPHandler, tls: TLSContext? = nil) {
        self.tls = Locked(tls)
        self.loops = loops
        shards = loops.loops.map { ListenerShard(loop: $0, limits: limits, handler: handler) }
        count = ConnectionCount(limit: limits.maxConnections)
    }

    /// Serves new connections with another certificate; those that are open keep theirs. Any thread. Only for a server
    /// that was made with one.
    public func replaceTLS(_ context: TLSContext) {
        tls.withLock { if $0 != nil { $0 = context } }
    }

    /// Takes a bound TCP socket, without accepting yet: connects queue in its backlog.
    /// - Parameter descriptor: its ownership passes, also where this fails. The socket may be shared with other processes.
    public func adopt(descriptor: CInt) throws {
        try AdoptionError.check(descriptor)
        let gate = AcceptGate(count: count) { [weak self] in self?.connectionClosed() }
        let shards = shards
        let loops = loops
        let tls = tls
        let bootstrap = ServerBootstrap(group: loops.group)
            .serverChannelOption(.autoRead, value: false)
            .serverChannelOption(.maxMessagesPerRead, value: 16)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandlers([AcceptBackoffHandler(), gate])
                }
            }
            .childChannelInitializer { channel in
                guard let index = loops.index(of: channel.eventLoop) else {
                    return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
                }
                return channel.eventLoop.makeCompletedFuture {
                    try Self.setOptions(of: channel)
                    if let context = tls.withLock({ $0 }) {
                        try channel.syncOptions?.setOption(.writeBufferWaterMark, value: Self.tlsWaterMark)
                        try channel.pipeline.syncOperations.addHandler(TLSHandler(shard: shards[index], tls: context))
                    }
                    try channel.pipeline.syncOperations.addHandler(HTTPConnection(shard: shards[index]))
                }
            }
        let channel = try bootstrap.withBoundSocket(descriptor).wait()
        // Adopting shrank the backlog that all holders of the socket share.
        _ = listen(descriptor, Self.backlog)
        state.withLock { $0.gates.append((gate, channel, descriptor)) }
    }

    /// On the loop, where it takes no futures.
    private static func setOptions(of channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        // One read a turn: after a request there is next to never more, and the second read costs a system call.
        try options.setOption(.maxMessagesPerRead, value: 1)
        // What the kernel takes only a part of, it takes no more of for now: the next write would say so.
        try options.setOption(.writeSpin, value: 0)
        try options.setOption(.allowRemoteHalfClosure, value: true)
        try options.setOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 65_536))
    }

    /// How much ciphertext may wait for a slow client: enough that a fast one is never waited for.
    private static let tlsWaterMark = ChannelOptions.Types.WriteBufferWaterMark(low: 64 << 10, high: 256 << 10)

    /// Connections that the kernel keeps until they are accepted.
    static let backlog: CInt = 4096

    /// Lets connections in. May be called again after `pauseAccepting`.
    public func startAccepting() { setAccepting(true) }

    /// Lets no further connection in; when it returns none can be accepted. Those that are open go on.
    public func pauseAccepting() { setAccepting(false) }

    private func setAccepting(_ isAccepting: Bool) {
        let channels = state.withLock { state in
            state.isAccepting = isAccepting
            return state.gates.map(\.channel)
        }
        for channel in channels { try? channel.setOption(.autoRead, value: isAccepting).wait() }
    }

    /// Accepts no more, lets go of the sockets, and ends every connection after its next answer.
    /// - Parameters:
    ///   - deadline: CLOCK_MONOTONIC, nanoseconds: what is left then is cut off.
    ///   - whenDone: called once, on any thread, when no connection is open any more.
    public func drain(deadline: UInt64, whenDone: @escaping @Sendable () -> Void) {
        let isFirst = state.withLock { state in
            guard state.whenDrained == nil else { return false }
            state.whenDrained = whenDone
            return true
        }
        guard isFirst else { return }
        for shard in shards { shard.loop.eventLoop.execute { shard.startDraining() } }
        // The kernel keeps what is in the backlog for whoever else holds the socket.
        closeSockets().whenComplete { [self] _ in
            var timers: [Scheduled<Void>] = []
            for shard in shards {
                let now = coarseNow()
                let wait = TimeAmount.nanoseconds(Int64(clamping: deadline > now ? deadline - now : 0))
                timers.append(shard.loop.eventLoop.scheduleTask(in: wait) { shard.cut(.shutdown) })
            }
            state.withLock { $0.drainTimers = timers }
            reportIfDrained()
        }
    }

    /// Closes the sockets and every connection at once; the handler is not called any more when it returns.
    public func close() {
        try? closeSockets().wait()
        for shard in shards { try? shard.loop.eventLoop.submit { shard.cut(.shutdown, silently: true) }.wait() }
    }

    /// Lets go of the listening sockets, without shutting them down.
    private func closeSockets() -> EventLoopFuture<Void> {
        let gates = state.withLock { state in
            defer { state.gates = [] }
            return state.gates
        }
        let loops = loops
        let closed = gates.map { gate, channel, _ in
            channel.eventLoop.submit { gate.admitAll() }
                .flatMap { Self.settleAccepted(loops, on: channel.eventLoop) }
                .flatMap { channel.close() }
        }
        return EventLoopFuture.andAllComplete(closed, on: loops.group.next())
    }

    /// Waits until what was accepted has reached its own loop and come back: NIO resets a connection whose listening
    /// channel is closed in between, and its client has sent a request.
    private static func settleAccepted(_ loops: HTTPLoops, on loop: any EventLoop) -> EventLoopFuture<Void> {
        let passes = loops.loops.map { other in other.eventLoop.submit {} }
        return EventLoopFuture.andAllComplete(passes, on: loop).flatMap { loop.submit {} }
    }

    private func connectionClosed() {
        if count.leave() {
            let gates = state.withLock { $0.gates }
            for (gate, channel, _) in gates { channel.eventLoop.execute { gate.admit() } }
        }
        reportIfDrained()
    }

    private func reportIfDrained() {
        guard count.isZero else { return }
        let (whenDone, timers) = state.withLock { state in
            // Before the sockets are closed, a connection may still come.
            guard state.gates.isEmpty, state.whenDrained != nil, !state.drainTimers.isEmpty else {
                return ((@Sendable () -> Void)?.none, [Scheduled<Void>]())
            }
            defer {
                state.whenDrained = {}
                state.drainTimers = []
            }
            return (state.whenDrained, state.drainTimers)
        }
        for timer in timers { timer.cancel() }
        whenDone?()
    }

    /// Whether a socket that ought to accept does not listen any more: somebody in this process has closed it or shut it
    /// down. Any thread.
    public var hasLostSocket: Bool {
        // Under the lock, so that the sockets are not let go of in between.
        state.withLock { state in
            state.isAccepting && state.gates.contains { !Self.isListening($0.descriptor) }
        }
    }

    private static func isListening(_ descriptor: CInt) -> Bool {
        var isListening: CInt = 0
        var length = socklen_t(MemoryLayout<CInt>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0 && isListening != 0
    }

    /// What it has done, and has open. Any thread.
    public var activity: HTTPActivity {
        var total = HTTPActivity()
        for shard in shards { shard.counters.add(to: &total) }
        return total
    }
}
