internal import Glibc
internal import NIOCore

/// Writing answers. Called on the loop, for the exchange under way, after its slot was moved to the next phase.
extension HTTPConnection {
    /// A body that is still to come is thrown away up to this size; beyond it the connection is closed.
    private static let discardLimit = 64 << 10

    /// TCP_CORK of tcp(7).
    private static let cork = ChannelOptions.Types.SocketOption(level: .tcp, name: .init(rawValue: TCP_CORK))

    func answer(status: Int, fields: FieldSource, fieldSize: Int, body: UnsafeRawBufferPointer) {
        // 304 tells the size the whole answer would have, so without a body it says nothing.
        let framing: ResponseFraming =
            status == 204 || (status == 304 && body.isEmpty) ? .none : .length(UInt64(body.count))
        let hasNoBody = isHead || status == 204 || status == 304
        writeHead(
            status: status, fields: fields, fieldSize: fieldSize, framing: framing,
            body: hasNoBody ? UnsafeRawBufferPointer(start: nil, count: 0) : body)
        endExchange()
    }

    func answer(status: Int, fields: FieldSource, fieldSize: Int, file: FileLease) {
        let hasNoBody = isHead || status == 204 || status == 304 || file.length == 0
        writeHead(
            status: status, fields: fields, fieldSize: fieldSize,
            framing: status == 204 ? .none : .length(file.length))
        if hasNoBody {
            endExchange()
        } else {
            send(file)
            endExchange(countsAsOver: false)
        }
    }

    func begin(status: Int, fields: FieldSource, fieldSize: Int, length: UInt64?) {
        answerHasNoBody = isHead || status == 204 || status == 304
        answerIsChunked = false
        var framing = ResponseFraming.none
        if status != 204 {
            if let length {
                framing = .length(length)
            } else if status != 304 {
                framing = isOldVersion ? .none : .chunked
                answerIsChunked = !isOldVersion && !answerHasNoBody
                if isOldVersion, !answerHasNoBody { keepsAlive = false }
            }
        }
        writeHead(status: status, fields: fields, fieldSize: fieldSize, framing: framing)
        touch()
    }

    func write(_ bytes: UnsafeRawBufferPointer) {
        guard !answerHasNoBody, bytes.count > 0 else { return }
        var buffer = loop.takeScratch(capacity: bytes.count + 24)
        if answerIsChunked {
            buffer.writeString(String(bytes.count, radix: 16))
            buffer.writeStaticString("\r\n")
        }
        buffer.writeBytes(bytes)
        if answerIsChunked { buffer.writeStaticString("\r\n") }
        send(buffer)
        touch()
    }

    func end(isShort: Bool) {
        if isShort, !answerHasNoBody {
            answerCloses = true
        } else if answerIsChunked {
            send("0\r\n\r\n")
        }
        endExchange()
    }

    func breakOff() {
        endExchange()
        // It is no answer.
        answeredSince = 0
        finish(.reset)
        touch()
    }

    func setBodyPaused(_ isPaused: Bool) {
        bodyIsPaused = isPaused
        if isPaused {
            startAnswerClock()
        } else {
            offerToContinue()
        }
        touch()
    }

    // MARK: Bytes

    private func writeHead(
        status: Int, fields: FieldSource, fieldSize: Int, framing: ResponseFraming,
        body: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0)
    ) {
        decideFate()
        let connection: ConnectionField = answerCloses ? .close : isOldVersion ? .keepAlive : .absent
        let room = ResponseHeadWriter.fixedSize + fieldSize + body.count
        var buffer = loop.takeScratch(capacity: room)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { memory in
            guard let start = memory.baseAddress else { return 0 }
            var writer = ResponseHeadWriter(start)
            writer.putHead(
                status: status, date: loop.date.current(), fields: fields, framing: framing, connection: connection)
            writer.put(body)
            return writer.count
        }
        shard.counters.countAnswer(status)
        send(buffer)
    }

    /// Decides, when the head of the answer is written, whether the connection is used again.
    private func decideFate() {
        answerCloses = !keepsAlive || inputIsEnded
        if stage == .body {
            // The rest of the body must be read before the next request can be; a client that waits for `100 Continue`
            // may send none.
            if owesContinue {
                answerCloses = true
            } else if let remaining = parser.remainingBody {
                if remaining > UInt64(Self.discardLimit) { answerCloses = true }
            } else {
                answerCloses = true
            }
        }
        // Requests that were sent before the drain are still answered; the last of them says close.
        if shard.isDraining, input?.readableBytes ?? 0 == 0 { answerCloses = true }
        owesContinue = false
    }

    private func send(_ buffer: ByteBuffer) {
        shard.counters.countSent(UInt64(buffer.readableBytes))
        context?.write(Self.wrapOutboundOut(.byteBuffer(buffer)), promise: nil)
        loop.giveBack(buffer)
        needsFlush = true
    }

    func send(_ text: StaticString) {
        var buffer = loop.takeScratch(capacity: text.utf8CodeUnitCount)
        buffer.writeStaticString(text)
        send(buffer)
    }

    private func send(_ file: FileLease) {
        guard let context, let offset = Int(exactly: file.offset), let length = Int(exactly: file.length) else {
            return
        }
        let handle = NIOFileHandle(_deprecatedTakingOwnershipOfDescriptor: file.descriptor)
        let region = FileRegion(fileHandle: handle, readerIndex: offset, endIndex: offset + length)
        let counters = shard.counters
        counters.countSent(file.length)
        let promise = context.eventLoop.makePromise(of: Void.self)
        // The head and the file's pieces go out in full segments: without it each sendfile(2) may push a short one.
        let options = context.channel.syncOptions
        try? options?.setOption(Self.cork, value: 1)
        promise.futureResult.assumeIsolated().whenComplete { _ in
            try? options?.setOption(Self.cork, value: 0)
            // The descriptor is the lender's: the handle must not close it.
            _ = try? handle.takeDescriptorOwnership()
            counters.exchangeEnded()
            withExtendedLifetime(file) {}
        }
        context.write(Self.wrapOutboundOut(.fileRegion(region)), promise: promise)
        needsFlush = true
    }

    // MARK: Ends

    /// The answer is complete as far as the handler goes.
    private func endExchange(countsAsOver: Bool = true) {
        guard let exchange else { return }
        _ = loop.slots.close(exchange)
        self.exchange = nil
        noteAnswer()
        bodyIsPaused = false
        if countsAsOver { shard.counters.exchangeEnded() }
        if answerCloses {
            finish(.graceful)
        } else if stage == .body {
            stage = .discarding
            discardBudget = 2 * Self.discardLimit
        } else if stage == .answering {
            stage = .head
        }
        touch()
    }

    /// Has the loop come back to this connection when the handler's call has returned.
    private func touch() { settleSoon() }

    /// Ends an exchange that was not answered in full, and tells the handler.
    /// - Returns: the phase it was in; nil where there was none.
    @discardableResult
    func abandon(_ reason: AbortReason, _ ending: Ending) -> ExchangePhase? {
        var former: ExchangePhase?
        if let exchange {
            former = loop.slots.close(exchange)
            self.exchange = nil
            bodyIsPaused = false
            shard.counters.exchangeEnded()
            // `.ended`: an answer from another thread was on its way, so for the handler it was answered.
            if former == .open || former == .begun, !shard.isSilent {
                callOut { shard.handler.onAbort(exchange, reason) }
            }
        }
        finish(ending)
        return former
    }

    /// Answers for the handler, since the request cannot be served, and closes.
    func refuse(_ violation: HTTPViolation, _ reason: AbortReason = .badRequest) {
        if let head = parser.head {
            parser.head = nil
            isHead = head.isHead
            shard.counters.requestCame()
            loop.giveBack(head)
        }
        guard exchange != nil else {
            // After an early answer nothing more may be said.
            if stage == .head || stage == .answering { writeRefusal(violation) }
            finish(.graceful)
            return
        }
        switch phase {
        case .open:
            writeRefusal(violation)
            noteAnswer()
            abandon(reason, .graceful)
        case .ended:
            // An answer from another thread is on its way: it goes out, and the connection closes after it.
            keepsAlive = false
            stage = .answering
        default: abandon(reason, .reset)
        }
    }

    private func writeRefusal(_ violation: HTTPViolation) {
        var text = ByteBuffer()
        text.writeString("\(violation.status) ")
        text.writeStaticString(HTTPReason.phrase(violation.status))
        text.writeStaticString(": ")
        text.writeStaticString(violation.reason)
        text.writeStaticString("\n")
        keepsAlive = false
        isOldVersion = false
        let lines = ByteBuffer(staticString: "Content-Type: text/plain; charset=utf-8\r\n")
        lines.withUnsafeReadableBytes { lines in
            text.withUnsafeReadableBytes { text in
                writeHead(
                    status: violation.status, fields: .lines(lines), fieldSize: lines.count,
                    framing: .length(UInt64(text.count)),
                    body: isHead ? UnsafeRawBufferPointer(start: nil, count: 0) : text)
            }
        }
    }

    /// Notes how the connection is to end; the stronger way wins.
    func finish(_ ending: Ending) {
        switch (self.ending, ending) {
        case (_, .none), (.reset, _), (.now, .graceful): return
        default: self.ending = ending
        }
        if stage != .closed, stage != .lingering { stage = .closing }
        input = nil
    }

    /// Carries out what `finish` noted. Called by `settle` when nothing is left to flush.
    func perform(_ ending: Ending) {
        guard ending != .none, let context else { return }
        self.ending = .none
        switch ending {
        case .none: break
        case .graceful:
            guard stage == .closing else { return }
            if inputIsEnded {
                // The channel would drop what it still holds: wait until it is written. Closed not from within that
                // flush, so that TLS can still announce the end.
                let promise = context.eventLoop.makePromise(of: Void.self)
                promise.futureResult.whenComplete { [channel = context.channel] _ in
                    channel.eventLoop.execute { channel.close(promise: nil) }
                }
                context.writeAndFlush(Self.wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: promise)
            } else {
                context.close(mode: .output, promise: nil)
            }
        case .now: context.close(promise: nil)
        case .reset:
            // No orderly end: the client must see that the answer is cut.
            (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                .whenFailure { _ in }
            context.close(promise: nil)
        }
    }
}
