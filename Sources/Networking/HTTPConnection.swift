internal import NIOCore

/// One client's connection: bytes in, requests to the handler, answers out, in order and one at a time.
///
/// Pipelined requests wait in `input`, of which one read is kept; then the client is held back by not reading. Nothing is
/// ever called on the handler from within a call that the handler makes: such calls only note what is to be done, and
/// `settle` does it afterwards. Everything runs on the connection's loop.
final class HTTPConnection: ChannelDuplexHandler, @unchecked Sendable {
    // Sendable: touched on its event loop only; other threads hold it only to hand it back to that loop.

    typealias InboundIn = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    enum Stage {
        /// Between requests, or within a request's head.
        case head
        /// An exchange is under way and its body arrives.
        case body
        /// The request is whole; its answer is outstanding.
        case answering
        /// Answered before the body was whole: what is left of it is thrown away.
        case discarding
        /// What is written goes out, then our half is closed; input is thrown away.
        case closing
        /// Our half is closed; the client's end is awaited, so that it reads the answer before any reset.
        case lingering
        case closed
    }

    /// How `settle` is to end the connection.
    enum Ending {
        case none, graceful, now, reset
    }

    let shard: ListenerShard
    var loop: HTTPLoop { shard.loop }
    let parser: RequestParser
    var context: ChannelHandlerContext?
    /// The context's, which is looked at often.
    private(set) var channel: (any Channel)?
    /// Its place in `shard.connections`.
    var place = 0

    var stage = Stage.head
    var ending = Ending.none
    var input: ByteBuffer?
    /// The client has closed its half.
    var inputIsEnded = false
    private var readIsHeld = false
    private var isProcessing = false
    private var isSettling = false
    private var settleIsDue = false
    var needsFlush = false

    // The exchange under way.
    var exchange: ExchangeID?
    var isHead = false
    var isOldVersion = false
    var keepsAlive = true
    /// `100 Continue` is still owed before the body can be expected.
    var owesContinue = false
    var bodyIsPaused = false
    /// How much of the body is still thrown away before the connection is given up.
    var discardBudget = 0

    // The answer under way.
    var answerIsChunked = false
    var answerHasNoBody = false
    var answerCloses = false

    // Times, CLOCK_MONOTONIC nanoseconds.
    var deadline = UInt64.max
    var headDeadline = UInt64.max
    var answerDeadline = UInt64.max
    /// When the head of the exchange under way was whole.
    var exchangeBegan: UInt64 = 0
    /// The same of an exchange that was answered, until what was written has been flushed; 0: none.
    var answeredSince: UInt64 = 0
    var hasServed = false
    var outputBacklog = 0
    var outputDeadline = UInt64.max
    var nextLookAtOutput: UInt64 = 0

    /// Who the client proved to be in the TLS handshake.
    private var identity: TLSIdentity?
    /// The listener's rules let this client ask.
    private var isAllowed = true
    private var isSecure = false
    private lazy var peer = PeerText.of(context?.channel.remoteAddress)

    init(shard: ListenerShard) {
        self.shard = shard
        parser = RequestParser(limits: shard.limits)
    }

    // MARK: Input

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = Self.unwrapInboundIn(data)
        shard.counters.countReceived(buffer.readableBytes)
        guard stage != .closing, stage != .lingering, stage != .closed else { return }
        if input == nil {
            input = buffer
        } else {
            // More than one read's worth while held back comes only before the client's end: it has left.
            guard (input?.readableBytes ?? 0) <= Self.inputLimit else {
                abandon(.clientGone, .now)
                return
            }
            input?.writeBuffer(&buffer)
        }
        process()
        keepRest()
    }

    static let inputLimit = 128 << 10

    /// Copies what could not be used yet, so that the channel gets its receive buffer back.
    private func keepRest() {
        guard let rest = input else { return }
        input = nil
        if rest.readableBytes > 0 { input = ByteBuffer(bytes: rest.readableBytesView) }
    }

    func channelReadComplete(context: ChannelHandlerContext) { settle() }

    func read(context: ChannelHandlerContext) {
        if wantsInput {
            context.read()
        } else {
            readIsHeld = true
        }
    }

    private var wantsInput: Bool {
        switch stage {
        case .head, .answering: input == nil
        case .body: !bodyIsPaused
        case .discarding, .closing, .lingering: true
        case .closed: false
        }
    }

    private var canParse: Bool {
        switch stage {
        case .head: channel?.isWritable ?? false
        case .body: !bodyIsPaused
        case .discarding: true
        case .answering, .closing, .lingering, .closed: false
        }
    }

    /// Parses as far as the state allows.
    private func process() {
        guard !isProcessing else { return }
        isProcessing = true
        while canParse {
            let buffer = input ?? ByteBuffer()
            guard buffer.readableBytes > 0 || parser.endIsDue else { break }
            step(buffer)
        }
        if let buffer = input, buffer.readableBytes == 0 { input = nil }
        isProcessing = false
    }

    /// Takes one event out of the input. `buffer` keeps the bytes alive whatever the handler does.
    private func step(_ buffer: ByteBuffer) {
        if stage == .head, parser.head == nil { parser.head = loop.takeHead() }
        buffer.withUnsafeReadableBytes { bytes in
            let startsHead = stage == .head && !parser.isWithinMessage
            let (event, consumed) = parser.next(bytes)
            input?.moveReaderIndex(forwardBy: consumed)
            switch event {
            case .needMore:
                if startsHead { headDeadline = coarseNow() &+ shard.limits.headTimeout }
                if stage == .discarding { spendDiscardBudget(consumed) }
            case .head: dispatch()
            case .body(let piece): deliver(piece)
            case .end: finishRequest()
            case .violation(let violation): refuse(violation)
            }
        }
    }

    /// Hands a whole head to the handler.
    private func dispatch() {
        guard let head = parser.head else { return }
        parser.head = nil
        defer { loop.giveBack(head) }
        shard.counters.requestCame()
        isHead = head.isHead
        isOldVersion = head.version == 10
        keepsAlive = head.keepsAlive
        guard isAllowed else {
            refuse(.wrongClient)
            return
        }
        guard let exchange = loop.slots.open(for: self) else {
            refuse(.tooBusy)
            return
        }
        head.seal(peer: peer)
        head.identity = identity
        self.exchange = exchange
        hasServed = true
        owesContinue = head.expectsContinue && head.hasBody
        bodyIsPaused = false
        stage = head.hasBody ? .body : .answering
        exchangeBegan = exactNow()
        startAnswerClock(at: exchangeBegan)
        shard.counters.exchangeBegan()
        shard.handler.onRequest(exchange, head)
        if self.exchange == exchange { offerToContinue() }
    }

    /// Sends `100 Continue` where the client waits for it: when the handler will read the body, and no sooner.
    func offerToContinue() {
        guard owesContinue, stage == .body, !bodyIsPaused else { return }
        owesContinue = false
        guard input?.readableBytes ?? 0 == 0 else { return }
        shard.counters.countAnswer(100)
        send("HTTP/1.1 100 Continue\r\n\r\n")
    }

    private func deliver(_ piece: UnsafeRawBufferPointer) {
        owesContinue = false
        if stage == .body, let exchange {
            shard.handler.onBody(exchange, piece)
        } else {
            spendDiscardBudget(piece.count)
        }
    }

    private func spendDiscardBudget(_ bytes: Int) {
        discardBudget -= bytes
        if discardBudget < 0, stage == .discarding { finish(.graceful) }
    }

    private func finishRequest() {
        if stage == .discarding {
            stage = .head
        } else if stage == .body {
            stage = .answering
            startAnswerClock()
            if let exchange { shard.handler.onBodyEnd(exchange) }
        }
    }

    // MARK: Settling

    /// Does what the calls before it left to do: parses on, flushes, closes, reads on, sets the next deadline.
    func settle() {
        guard !isProcessing, !isSettling, let context else { return }
        isSettling = true
        defer { isSettling = false }
        process()
        if inputIsEnded { noteInputEnd() }
        if needsFlush {
            needsFlush = false
            // Over TLS the end is announced in the same write as the last answer; `perform` flushes.
            if !isSecure || ending != .graceful { context.flush() }
        }
        let now = countDuration() ?? coarseNow()
        perform(ending)
        guard stage != .closed else { return }
        rearm(at: now)
        if readIsHeld, wantsInput {
            readIsHeld = false
            context.read()
        }
    }

    /// Notes that the exchange under way has its answer; how long that took is counted once it is flushed.
    func noteAnswer() {
        // Another one waits for the same flush: the requests came together.
        countDuration()
        answeredSince = exchangeBegan
    }

    /// Counts what is to be counted; answers the time, where that took to look at the clock.
    @discardableResult
    private func countDuration() -> UInt64? {
        guard answeredSince != 0 else { return nil }
        let now = exactNow()
        shard.counters.answered(after: now &- answeredSince)
        answeredSince = 0
        return now
    }

    /// Has `settle` run when the call under way has returned.
    func settleSoon() {
        guard !isProcessing, !isSettling else { return }
        scheduleSettle()
    }

    private func scheduleSettle() {
        guard !settleIsDue else { return }
        settleIsDue = true
        loop.eventLoop.execute {
            self.settleIsDue = false
            self.notifyRoom()
            self.settle()
        }
    }

    /// Carries out a handler's call that came from another thread.
    func carryOut(_ action: (HTTPConnection) -> Void) {
        callOut { action(self) }
        notifyRoom()
        settle()
    }

    private func noteInputEnd() {
        switch stage {
        case .head: if input == nil { finish(.graceful) }
        case .discarding: finish(.graceful)
        case .body, .answering:
            // An answer that another thread has given already still goes out.
            if phase != .ended { abandon(.clientGone, .graceful) }
        case .lingering: finish(.now)
        case .closing, .closed: break
        }
    }

    /// The phase of the exchange under way; nil where there is none.
    var phase: ExchangePhase? {
        guard let exchange, let slot = loop.slots.slot(exchange.slot) else { return nil }
        return slot.pointee.state.withLock { $0.phase }
    }

    /// Tells the handler, once, that a refused write may be tried again.
    private func notifyRoom() {
        guard let exchange, let slot = loop.slots.slot(exchange.slot), channel?.isWritable ?? false else {
            return
        }
        let isDue = slot.pointee.state.withLock { state -> Bool in
            guard state.generation == exchange.generation, state.awaitsRoom, state.phase == .begun,
                state.postedBytes < HTTPLoops.postedByteLimit / 2
            else { return false }
            state.awaitsRoom = false
            state.isCongested = false
            return true
        }
        guard isDue else { return }
        callOut { shard.handler.onWritable(exchange) }
    }

    /// Calls the handler outside of parsing.
    func callOut(_ body: () -> Void) {
        let former = isProcessing
        isProcessing = true
        body()
        isProcessing = former
    }

    // MARK: The channel's life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        channel = context.channel
        shard.add(self)
        rearm()
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    func channelInactive(context: ChannelHandlerContext) { leave() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        let isCongested = !context.channel.isWritable
        if let exchange, let slot = loop.slots.slot(exchange.slot) {
            slot.pointee.state.withLock { state in
                if state.generation == exchange.generation { state.isCongested = isCongested }
            }
        }
        // Not here: this may come from within a flush.
        if !isCongested { scheduleSettle() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let handshake = event as? TLSHandshakeDone {
            identity = handshake.identity
            isAllowed = handshake.isAllowed
            isSecure = true
        }
        guard let event = event as? ChannelEvent else { return }
        switch event {
        case .inputClosed:
            inputIsEnded = true
            settle()
        case .outputClosed:
            stage = .lingering
            deadline = coarseNow() &+ shard.limits.lingerTimeout
        }
    }

    private func leave() {
        guard stage != .closed else { return }
        abandon(.clientGone, .none)
        stage = .closed
        input = nil
        if let head = parser.head {
            parser.head = nil
            loop.giveBack(head)
        }
        context = nil
        channel = nil
        shard.remove(self)
    }
}
