internal import NIOCore

/// One listener on one event loop: its connections there, their deadlines and their counters.
final class ListenerShard: @unchecked Sendable {
    // Sendable: `counters` is safe anywhere, the constants too; the rest is touched on `loop` only.

    let loop: HTTPLoop
    let limits: HTTPLimits
    let handler: any HTTPHandler
    let counters = ListenerCounters()
    /// The listener drains: every connection is to end soon.
    private(set) var isDraining = false
    /// The handler is not called any more.
    private(set) var isSilent = false

    private var connections: [HTTPConnection] = []
    private var isTicking = false

    init(loop: HTTPLoop, limits: HTTPLimits, handler: any HTTPHandler) {
        self.loop = loop
        self.limits = limits
        self.handler = handler
    }

    func add(_ connection: HTTPConnection) {
        connection.place = connections.count
        connections.append(connection)
        counters.connectionOpened()
        if !isTicking { scheduleTick() }
    }

    func remove(_ connection: HTTPConnection) {
        let place = connection.place
        guard place < connections.count, connections[place] === connection, let last = connections.popLast() else {
            return
        }
        if last !== connection {
            connections[place] = last
            last.place = place
        }
        counters.connectionClosed()
    }

    /// Every connection is closed after its next answer, and after a while without one.
    func startDraining() {
        guard !isDraining else { return }
        isDraining = true
        forEach { $0.startDraining() }
    }

    /// Ends every connection at once.
    func cut(_ reason: AbortReason, silently: Bool = false) {
        isSilent = isSilent || silently
        forEach { $0.cut(reason) }
    }

    /// Visits from the end, since a connection that goes is replaced by the last.
    private func forEach(_ body: (HTTPConnection) -> Void) {
        var index = connections.count - 1
        while index >= 0 {
            if index < connections.count { body(connections[index]) }
            index -= 1
        }
    }

    private func scheduleTick() {
        isTicking = true
        loop.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(Int64(limits.tickInterval))) { self.tick() }
    }

    private func tick() {
        isTicking = false
        let now = coarseNow()
        forEach { $0.tick(now) }
        // An idle worker does not wake up for nothing.
        if !connections.isEmpty { scheduleTick() }
    }
}
