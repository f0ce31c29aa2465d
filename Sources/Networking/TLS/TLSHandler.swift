internal import COpenSSL
internal import CTLS
internal import NIOCore
internal import OpenSSL

/// TLS of one connection, between its socket and `HTTPConnection`: ciphertext below, plaintext above.
///
/// OpenSSL takes ciphertext out of `received` and puts it into `encrypted` through a BIO of ours, so bytes are copied once
/// each way. Everything runs on the connection's loop.
final class TLSHandler: ChannelDuplexHandler, RemovableChannelHandler, @unchecked Sendable {
    // Sendable: touched on its event loop only.

    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    enum Stage {
        /// Nothing has come yet: it may turn out not to be TLS.
        case waiting
        case handshaking
        case open
        /// The peer said that it sends no more; we may.
        case peerEnded
        /// Nothing is read or encrypted any more.
        case over
    }

    /// What is still to be encrypted, in order.
    struct Pending {
        var data: IOData
        var promise: EventLoopPromise<Void>?
    }

    let shard: ListenerShard
    /// Kept for as long as the connection, whatever the listener uses by then.
    private let tls: TLSContext
    private(set) var connection: OpaquePointer?
    private(set) var context: ChannelHandlerContext?
    var stage = Stage.waiting
    private var deadline: Scheduled<Void>?

    private var received = ByteBuffer()
    var encrypted = ByteBuffer()
    private var isReading = false
    private var inputEndWasTold = false

    // Writing (TLSHandler+Writing.swift).
    var pending = CircularBuffer<Pending>()
    var flushCount = 0
    var isPumping = false
    var endIsWanted: EventLoopPromise<Void>?
    var outputIsEnded = false

    init(shard: ListenerShard, tls: TLSContext) {
        self.shard = shard
        self.tls = tls
    }

    deinit { SSL_free(connection) }

    // MARK: The channel's life

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        ERR_clear_error()
        connection = SSL_new(tls.raw)
        guard let connection,
            ctls_attach(connection, Unmanaged.passUnretained(self).toOpaque(), Self.take, Self.put) == 1
        else {
            stage = .over
            context.close(promise: nil)
            return
        }
        SSL_set_accept_state(connection)
        let limit = TimeAmount.nanoseconds(Int64(clamping: shard.limits.headTimeout))
        // Held until it fires or is cancelled: a weak reference would make every later count of references slower.
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) { self.handshakeIsLate() }
    }

    func handlerRemoved(context: ChannelHandlerContext) { leave() }

    func channelInactive(context: ChannelHandlerContext) {
        leave()
        context.fireChannelInactive()
    }

    private func leave() {
        deadline?.cancel()
        deadline = nil
        // A probe that connects and leaves has failed at nothing.
        if stage == .handshaking { shard.counters.handshakeFailed() }
        stage = .over
        failPending(ChannelError.ioOnClosedChannel)
        context = nil
    }

    private func handshakeIsLate() {
        guard stage == .waiting || stage == .handshaking else { return }
        shard.counters.handshakeFailed()
        stage = .over
        context?.close(promise: nil)
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = Self.unwrapInboundIn(data)
        guard stage != .over, stage != .peerEnded else { return }
        if stage == .waiting, !begins(buffer, context) { return }
        if received.readableBytes == 0 {
            received = buffer
        } else {
            received.writeBuffer(&buffer)
        }
        if stage == .handshaking { shake() }
        if stage == .open { decrypt() }
        // What no answer has taken along: a session ticket, or the answer to a key update (RFC 8446 section 4.6).
        if encrypted.readableBytes > 0, stage != .over { sendNow() }
        // What is left of a record that is not whole keeps its own memory, not the channel's.
        if received.readableBytes == 0 {
            received = ByteBuffer()
        } else {
            received = ByteBuffer(bytes: received.readableBytesView)
        }
    }

    /// Whether a client speaks TLS, by its first byte; one that speaks HTTP is told so in its own words.
    private func begins(_ buffer: ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        guard let first = buffer.readableBytesView.first else { return false }
        stage = .handshaking
        // The content types of RFC 8446 section 5.1 are 20 to 24; a method begins with a letter.
        guard (UInt8(ascii: "A")...UInt8(ascii: "z")).contains(first) else { return true }
        let text = "This port speaks HTTPS: ask for https:// instead of http://.\n"
        let answer = ByteBuffer(
            string: "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
                + "Content-Length: \(text.utf8.count)\r\nConnection: close\r\n\r\n\(text)")
        shard.counters.countAnswer(400)
        context.write(Self.wrapOutboundOut(.byteBuffer(answer)), promise: nil)
        giveUp(context)
        return false
    }

    /// Ends a connection that never was one of TLS: what was written goes out, and is read before any reset.
    private func giveUp(_ context: ChannelHandlerContext) {
        shard.counters.handshakeFailed()
        stage = .over
        deadline?.cancel()
        context.flush()
        context.close(mode: .output, promise: nil)
        let limit = TimeAmount.nanoseconds(Int64(clamping: shard.limits.lingerTimeout))
        deadline = context.eventLoop.assumeIsolated().scheduleTask(in: limit) {
            self.context?.close(promise: nil)
        }
    }

    private func shake() {
        guard let connection, let context else { return }
        ERR_clear_error()
        let result = SSL_do_handshake(connection)
        guard result == 1 else {
            let reason = SSL_get_error(connection, result)
            ERR_clear_error()
            sendNow()
            // The alert that says why is on its way already.
            if reason != SSL_ERROR_WANT_READ { giveUp(context) }
            return
        }
        // The session ticket waits: a request that has come along is answered in the same write.
        do throws(TLSError) {
            let identity = try TLSIdentity.ofPeer(connection)
            deadline?.cancel()
            deadline = nil
            stage = .open
            shard.counters.handshakeDone(isResumed: SSL_session_reused(connection) == 1)
            context.fireUserInboundEventTriggered(
                TLSHandshakeDone(identity: identity, isAllowed: tls.allows(identity)))
        } catch {
            giveUp(context)
        }
    }

    /// Hands all that is whole upward.
    private func decrypt() {
        guard !isReading else { return }
        isReading = true
        defer { isReading = false }
        while stage == .open, let connection, let context,
            received.readableBytes > 0 || SSL_has_pending(connection) == 1
        {
            var plain = shard.loop.recordScratch
            shard.loop.recordScratch = ByteBuffer()
            plain.clear(minimumCapacity: Self.recordSize)
            var count = 0
            var result: CInt = 0
            ERR_clear_error()
            plain.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.recordSize) { memory in
                result = SSL_read_ex(connection, memory.baseAddress, memory.count, &count)
                return result == 1 ? count : 0
            }
            if result == 1 {
                context.fireChannelRead(Self.wrapInboundOut(plain))
                shard.loop.recordScratch = plain
                continue
            }
            shard.loop.recordScratch = plain
            let reason = SSL_get_error(connection, result)
            ERR_clear_error()
            switch reason {
            case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: break
            case SSL_ERROR_ZERO_RETURN:
                stage = .peerEnded
                tellInputEnd()
            default:
                // A record that was tampered with, or a peer that sent an alert: nothing can follow.
                sendNow()
                stage = .over
                context.close(promise: nil)
            }
            return
        }
    }

    /// The most plaintext of one record (RFC 8446 section 5.1).
    static let recordSize = 16 << 10

    private func tellInputEnd() {
        guard !inputEndWasTold else { return }
        inputEndWasTold = true
        context?.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        switch stage {
        case .waiting, .handshaking, .over: context.close(promise: nil)
        // Without close_notify it may have been cut: for a request it is the end either way.
        case .open, .peerEnded: tellInputEnd()
        }
    }

    // MARK: The BIO

    private static let take: ctls_read = { owner, bytes, capacity in
        guard let owner, let bytes else { return 0 }
        return Unmanaged<TLSHandler>.fromOpaque(owner).takeUnretainedValue().take(bytes, capacity)
    }

    private static let put: ctls_write = { owner, bytes, count in
        guard let owner, let bytes else { return 0 }
        Unmanaged<TLSHandler>.fromOpaque(owner).takeUnretainedValue()
            .encrypted.writeBytes(UnsafeRawBufferPointer(start: bytes, count: count))
        return count
    }

    private func take(_ bytes: UnsafeMutablePointer<UInt8>, _ capacity: Int) -> Int {
        let count = min(capacity, received.readableBytes)
        guard count > 0 else { return 0 }
        received.readWithUnsafeReadableBytes { memory in
            if let start = memory.baseAddress {
                UnsafeMutableRawPointer(bytes).copyMemory(from: start, byteCount: count)
            }
            return count
        }
        return count
    }
}

/// Goes up the pipeline once, before the first request.
struct TLSHandshakeDone: Sendable {
    /// nil: the client showed no certificate.
    var identity: TLSIdentity?
    /// Whether such a client may ask here at all.
    var isAllowed: Bool
}
