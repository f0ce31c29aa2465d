internal import COpenSSL
internal import Glibc
internal import NIOCore
internal import OpenSSL

/// Plaintext down. What the socket does not take yet stays plaintext: a file is read when there is room for it, and
/// never more of it than the channel's watermark.
extension TLSHandler {
    /// How much is encrypted before it goes to the socket: whole records, and below the size from which malloc(3) asks
    /// the kernel for every buffer.
    private static let batchSize = 4 * recordSize

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard stage != .over, endIsWanted == nil, !outputIsEnded else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        pending.append(Pending(data: Self.unwrapOutboundIn(data), promise: promise))
    }

    func flush(context: ChannelHandlerContext) {
        flushCount = pending.count
        pump()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        pump()
        // What it says above is looked up there, so that it is true even where the pump has just filled the channel.
        context.fireChannelWritabilityChanged()
    }

    /// Encrypts and sends as long as the socket takes it.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        while flushCount > 0, let context, stage == .open || stage == .peerEnded, context.channel.isWritable {
            guard encryptBatch() else {
                stage = .over
                failPending(ChannelError.ioOnClosedChannel)
                context.close(promise: nil)
                return
            }
            context.flush()
        }
        endIfDue()
    }

    /// Encrypts up to a batch from the front of the queue; false where the connection cannot go on.
    private func encryptBatch() -> Bool {
        var room = Self.batchSize
        var promises: [EventLoopPromise<Void>] = []
        while room > 0, flushCount > 0, var next = pending.first {
            guard let count = encrypt(&next.data, atMost: room) else {
                for promise in promises { promise.fail(ChannelError.ioOnClosedChannel) }
                return false
            }
            room -= count
            if next.data.readableBytes > 0 {
                pending[pending.startIndex] = next
            } else {
                pending.removeFirst()
                flushCount -= 1
                if let promise = next.promise { promises.append(promise) }
            }
        }
        guard let first = promises.first else {
            sendEncrypted(promise: nil)
            return true
        }
        for promise in promises.dropFirst() { first.futureResult.cascade(to: promise) }
        sendEncrypted(promise: first)
        return true
    }

    /// Takes bytes off `data` and encrypts them; answers how many. nil: the connection cannot go on.
    private func encrypt(_ data: inout IOData, atMost room: Int) -> Int? {
        switch data {
        case .byteBuffer(var buffer):
            guard buffer.readableBytes > 0 else { return 0 }
            var count: Int?
            buffer.readWithUnsafeReadableBytes { bytes in
                count = encrypt(UnsafeRawBufferPointer(rebasing: bytes.prefix(room)))
                return count ?? 0
            }
            data = .byteBuffer(buffer)
            return count
        case .fileRegion(var region):
            guard region.readableBytes > 0 else { return 0 }
            let size = min(room, region.readableBytes)
            let offset = region.readerIndex
            let result = withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { memory -> Int? in
                let read = try? region.fileHandle.withUnsafeFileDescriptor { Self.read($0, memory, offset) }
                // Shorter than it was: the client must see that the answer is cut.
                guard let read, read > 0 else { return nil }
                return encrypt(UnsafeRawBufferPointer(rebasing: memory.prefix(read)))
            }
            if let result { region.moveReaderIndex(forwardBy: result) }
            data = .fileRegion(region)
            return result
        }
    }

    private static func read(_ descriptor: CInt, _ memory: UnsafeMutableRawBufferPointer, _ offset: Int) -> Int {
        while true {
            let count = pread(descriptor, memory.baseAddress, memory.count, offset)
            if count >= 0 || errno != EINTR { return count }
        }
    }

    /// All of `bytes`: the BIO takes whatever comes.
    private func encrypt(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard let connection else { return nil }
        encrypted.reserveCapacity(minimumWritableBytes: bytes.count + (bytes.count / Self.recordSize + 1) * 64)
        var done = 0
        while done < bytes.count {
            var count = 0
            ERR_clear_error()
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            guard SSL_write_ex(connection, rest.baseAddress, rest.count, &count) == 1, count > 0 else {
                ERR_clear_error()
                return nil
            }
            done += count
        }
        return done
    }

    /// Hands what was encrypted to the socket, without a flush.
    func sendEncrypted(promise: EventLoopPromise<Void>?) {
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        guard encrypted.readableBytes > 0 || promise != nil else { return }
        let buffer = encrypted
        encrypted = ByteBuffer()
        context.write(Self.wrapOutboundOut(.byteBuffer(buffer)), promise: promise)
    }

    func failPending(_ error: any Error) {
        let all = pending
        pending = []
        flushCount = 0
        for item in all { item.promise?.fail(error) }
        endIsWanted?.fail(error)
        endIsWanted = nil
    }

    // MARK: Closing

    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        switch mode {
        case .output:
            guard stage == .open || stage == .peerEnded, endIsWanted == nil else {
                context.close(mode: .output, promise: promise)
                return
            }
            endIsWanted = promise ?? context.eventLoop.makePromise()
            pump()
        case .all:
            if stage == .open || stage == .peerEnded, pending.isEmpty { sendEnd(context) }
            context.close(mode: .all, promise: promise)
        case .input:
            context.close(mode: .input, promise: promise)
        }
    }

    /// Everything that was written has been encrypted: says that no more comes, and closes our half.
    private func endIfDue() {
        guard let promise = endIsWanted, pending.isEmpty, let context else { return }
        endIsWanted = nil
        sendEnd(context)
        context.close(mode: .output, promise: promise)
    }

    /// close_notify (RFC 8446 section 6.1).
    private func sendEnd(_ context: ChannelHandlerContext) {
        guard let connection, !outputIsEnded else { return }
        outputIsEnded = true
        ERR_clear_error()
        _ = SSL_shutdown(connection)
        ERR_clear_error()
        sendEncrypted(promise: nil)
        context.flush()
    }
}
