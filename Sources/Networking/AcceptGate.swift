internal import NIOCore
import Synchronization

/// Counts the connections of a listener, over all its sockets and loops.
final class ConnectionCount: Sendable {
    let limit: Int
    private let open = Atomic<Int>(0)
    private let gateWaits = Atomic<Bool>(false)

    init(limit: Int) { self.limit = max(limit, 1) }

    var isZero: Bool { open.load(ordering: .acquiring) == 0 }

    /// Takes a place; false where there is none, and then the next `leave` answers true.
    func enter() -> Bool {
        if tryToEnter() { return true }
        gateWaits.store(true, ordering: .sequentiallyConsistent)
        return tryToEnter()
    }

    private func tryToEnter() -> Bool {
        var present = open.load(ordering: .sequentiallyConsistent)
        while present < limit {
            let (exchanged, original) = open.compareExchange(
                expected: present, desired: present + 1, ordering: .sequentiallyConsistent)
            if exchanged { return true }
            present = original
        }
        return false
    }

    /// Takes a place whatever the limit says.
    func enterRegardless() { open.add(1, ordering: .acquiringAndReleasing) }

    /// Whether a place is free; where not, the next `leave` answers true.
    func hasRoom() -> Bool {
        if open.load(ordering: .acquiring) < limit { return true }
        gateWaits.store(true, ordering: .sequentiallyConsistent)
        return open.load(ordering: .sequentiallyConsistent) < limit
    }

    /// Gives a place back.
    /// - Returns: whether gates wait for one.
    func leave() -> Bool {
        open.subtract(1, ordering: .sequentiallyConsistent)
        return gateWaits.exchange(false, ordering: .sequentiallyConsistent)
    }
}

/// Stands in a listening socket's pipeline and lets in as many connections as the listener may have. Above that, new ones
/// stay in the kernel's backlog: the socket is not read. It is never shut down: other processes hold it too.
final class AcceptGate: ChannelDuplexHandler, @unchecked Sendable {
    // Sendable: touched on the listening channel's loop only.

    typealias InboundIn = any Channel
    typealias InboundOut = any Channel
    typealias OutboundIn = Never

    private let count: ConnectionCount
    private let whenClosed: @Sendable () -> Void
    private var context: ChannelHandlerContext?
    private var readIsHeld = false
    /// Accepted in the same go as the last that fitted.
    private var waiting: [NIOAny] = []

    init(count: ConnectionCount, whenClosed: @escaping @Sendable () -> Void) {
        self.count = count
        self.whenClosed = whenClosed
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if waiting.isEmpty, count.enter() {
            letIn(data, context)
        } else {
            waiting.append(data)
        }
    }

    func read(context: ChannelHandlerContext) {
        if waiting.isEmpty, count.hasRoom() {
            context.read()
        } else {
            readIsHeld = true
        }
    }

    /// There may be room again.
    func admit() {
        guard let context else { return }
        while let next = waiting.first, count.enter() {
            waiting.removeFirst()
            letIn(next, context)
        }
        guard readIsHeld, waiting.isEmpty, count.hasRoom() else { return }
        readIsHeld = false
        // Without autoRead the listener is paused; it reads again when that is set.
        if (try? context.channel.syncOptions?.getOption(ChannelOptions.autoRead)) == true { context.read() }
    }

    /// Lets in all that were accepted, since they cannot be given back: before the socket is closed.
    func admitAll() {
        guard let context else { return }
        let all = waiting
        waiting = []
        for data in all {
            count.enterRegardless()
            letIn(data, context)
        }
    }

    private func letIn(_ data: NIOAny, _ context: ChannelHandlerContext) {
        let whenClosed = whenClosed
        Self.unwrapInboundIn(data).closeFuture.whenComplete { _ in whenClosed() }
        context.fireChannelRead(data)
    }
}
