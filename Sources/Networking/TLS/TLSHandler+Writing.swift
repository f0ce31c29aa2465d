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

    /// What fits is encrypted at once, so that its memory is free again for the next answer; it is sent with the flush.
    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard mayEncrypt, endIsWanted == nil, !outputIsEnded else {
            promise?.fail(ChannelError.outputClosed)
            return
        }
        var data = Self.unwrapOutboundIn(data)
        if promise == nil, pending.isEmpty, case .byteBuffer = data, context.channel.isWritable,
            encrypted.readableBytes + data.readableBytes <= Self.batchSize
        {
            if encrypt(&data, atMost: Self.batchSize) == nil { breakOff() }
            return
        }
        pending.append(Pending(data: data, promise: promise))
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

    private var mayEncrypt: Bool { stage == .open || stage == .peerEnded }

    /// Encrypts and sends as long as the socket takes it.
    private func pump() {
        guard !isPumping else { return }
        isPumping = true
        defer { isPumping = false }
        while mayEncrypt, let context {
            var promises: [EventLoopPromise<Void>] = []
            if flushCount > 0, context.channel.isWritable {
                guard encryptBatch(&promises) else {
                    for promise in promises { promise.fail(ChannelError.ioOnClosedChannel) }
                    return breakOff()
                }
            }
            // The end goes out with the last of what was written.
            if endIsWanted != nil, pending.isEmpty { announceEnd() }
            guard encrypted.readableBytes > 0 || !promises.isEmpty else { break }
            for promise in promises.dropFirst() { promises.first?.futureResult.cascade(to: promise) }
            sendEncrypted(promise: promises.first)
            context.flush()
            guard flushCount > 0, context.channel.isWritable else { break }
        }
        if let promise = endIsWanted, pending.isEmpty, outputIsEnded {
            endIsWanted = nil
            context?.close(mode: .output, promise: promise)
        }
    }

    /// The connection cannot go on.
    private func breakOff() {
        stage = .over
        failPending(ChannelError.ioOnClosedChannel)
        context?.close(promise: nil)
    }

    /// Encrypts up to a batch from the front of the queue, and adds the promises of what is whole; false where the
    /// connection cannot go on.
    private func encryptBatch(_ promises: inout [EventLoopPromise<Void>]) -> Bool {
        var room = Self.batchSize
        while room > 0, flushCount > 0, var next = pending.first {
            guard let count = encrypt(&next.data, atMost: room) else { return false }
            room -= count
            if next.data.readableBytes > 0 {
                pending[pending.startIndex] = next
            } else {
                pending.removeFirst()
                flushCount -= 1
                if let promise = next.promise { promises.append(promise) }
            }
        }
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
        let room = bytes.count + (bytes.count / Self.recordSize + 1) * 64
        if encrypted.readableBytes == 0 {
            encrypted = shard.loop.takeCipherScratch(capacity: room)
        } else {
            encrypted.reserveCapacity(minimumWritableBytes: room)
        }
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
        shard.loop.giveBackCipher(buffer)
    }

    func sendNow() {
        sendEncrypted(promise: nil)
        context?.flush()
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
            guard mayEncrypt, endIsWanted == nil else {
                context.close(mode: .output, promise: promise)
                return
            }
            endIsWanted = promise ?? context.eventLoop.makePromise()
            flushCount = pending.count
            pump()
        case .all:
            if mayEncrypt, pending.isEmpty {
                announceEnd()
                sendNow()
            }
            context.close(mode: .all, promise: promise)
        case .input:
            context.close(mode: .input, promise: promise)
        }
    }

    /// close_notify (RFC 8446 section 6.1), once.
    private func announceEnd() {
        guard let connection, !outputIsEnded else { return }
        outputIsEnded = true
        ERR_clear_error()
        _ = SSL_shutdown(connection)
        ERR_clear_error()
    }
}
