internal import CLinux
internal import Glibc

/// One end of a local stream socket on which messages travel as frames, with descriptors in their luggage.
///
/// Never blocks. Not for several threads at once, with one exception that needs no lock: sending and receiving share
/// nothing, so two channels over one descriptor, of which one only sends and one only receives, may be on two threads.
///
/// A failure is final: the stream has lost its meaning, every later call throws the same error, and what was queued or
/// half received is dropped with its descriptors closed. The peer is not trusted: whatever it sends ends in a message, in
/// nil or in an error, within the memory of one frame and one batch of descriptors.
public final class ControlChannel {
    /// What is queued towards a peer that does not read: beyond it, `send` throws `.overflow`.
    public static let maximumPendingBytes = 2 * FrameHeader.maximumPayload
    private static let chunkSize = 1 << 16

    private let descriptor: Descriptor
    private var outgoing = OutgoingFrames()
    private var decoder = FrameDecoder()
    private var luggage = DescriptorLuggage()
    private var receivedByteCount: UInt64 = 0
    private var sendFailure: ChannelError?
    private var receiveFailure: ChannelError?

    /// Speaks over a connected stream socket of the family AF_UNIX, blocking or not.
    public init(_ descriptor: Descriptor) {
        self.descriptor = descriptor
    }

    /// For poll.
    public var rawDescriptor: CInt { descriptor.rawValue }

    // MARK: Sending

    /// Whether to poll for POLLOUT and call `flush` then.
    public var hasPendingOutput: Bool { !outgoing.isEmpty }

    /// Bytes queued because the socket was full.
    public var pendingByteCount: Int { outgoing.byteCount }

    /// Queues a message and writes as much of the queue as the socket takes.
    ///
    /// The descriptors stay the caller's, who may close them as soon as this returns.
    /// - Throws: `.tooLarge` and `.overflow`, after which the channel still works and nothing of the message was sent;
    ///   anything else ends it.
    public func send(_ message: some Encodable, descriptors: [CInt] = []) throws(ChannelError) {
        try send(try EncodedFrame(message, descriptorCount: descriptors.count), descriptors: descriptors)
    }

    /// The same for a message that was encoded before, so that a lock around this call is held for a moment only.
    public func send(_ frame: EncodedFrame, descriptors: [CInt] = []) throws(ChannelError) {
        if let sendFailure { throw sendFailure }
        guard descriptors.count == frame.descriptorCount else {
            throw ChannelError(.malformed, "sending \(descriptors.count) descriptors, not \(frame.descriptorCount)")
        }
        let bytes = frame.bytes
        guard outgoing.byteCount + bytes.count <= Self.maximumPendingBytes else {
            throw ChannelError(.overflow, "sending a message")
        }
        var sent = 0
        if outgoing.isEmpty {
            sent = try write(bytes, from: 0, descriptors: descriptors)
            if sent == bytes.count { return }
        }
        var kept: [Descriptor] = []
        // Once a byte is out, the descriptors are.
        if sent == 0 { for descriptor in descriptors { kept.append(try Self.duplicate(descriptor)) } }
        outgoing.append(bytes, sent: sent, descriptors: kept)
        try flush()
    }

    /// Writes as much of the queue as the socket takes.
    public func flush() throws(ChannelError) {
        if let sendFailure { throw sendFailure }
        while let item = outgoing.current {
            let sent = try write(item.bytes, from: item.sent, descriptors: item.descriptors.map(\.rawValue))
            guard sent > 0 else { return }
            outgoing.advance(by: sent)
        }
    }

    /// The bytes written; 0 where the socket is full.
    private func write(_ bytes: [UInt8], from start: Int, descriptors: [CInt]) throws(ChannelError) -> Int {
        let sent = bytes[start...].withUnsafeBytes { bytes in
            clinux_send(rawDescriptor, bytes.baseAddress, bytes.count, descriptors, descriptors.count)
        }
        if sent > 0 { return sent }
        switch CInt(-sent) {
        case EAGAIN: return 0
        case EPIPE, ECONNRESET: throw endSending(ChannelError(.closed, "sending a message"))
        case let number: throw endSending(ChannelError(.system(number), "sending a message"))
        }
    }

    private func endSending(_ failure: ChannelError) -> ChannelError {
        sendFailure = failure
        outgoing.removeAll()
        return failure
    }

    /// A descriptor of the queue's own, since the caller may close theirs before the frame leaves.
    private static func duplicate(_ descriptor: CInt) throws(ChannelError) -> Descriptor {
        let copy = clinux_duplicate(descriptor)
        guard copy >= 0 else { throw ChannelError(.system(-copy), "keeping a descriptor for sending") }
        return Descriptor(owning: copy)
    }

    // MARK: Receiving

    /// A message with the descriptors that came with it.
    public struct Received<Message> {
        public var message: Message
        public var descriptors: [Descriptor]
    }

    /// The next message, or nil until poll says POLLIN again.
    ///
    /// Reads no further than to the first whole frame, so call it until it answers nil, at most so often that a busy peer
    /// does not keep the thread from its other work.
    /// - Throws: `.closed` at the end of the stream between two frames.
    public func receive<Message: Decodable>(_ type: Message.Type) throws(ChannelError) -> Received<Message>? {
        if let receiveFailure { throw receiveFailure }
        do {
            guard let (frame, descriptors) = try nextFrame() else { return nil }
            return Received(message: try frame.decode(type), descriptors: descriptors)
        } catch {
            throw endReceiving(error)
        }
    }

    /// Waits for the next message without end: for a process that has nothing else to do yet.
    public func waitToReceive<Message: Decodable>(_ type: Message.Type) throws(ChannelError) -> Received<Message> {
        while true {
            if let received = try receive(type) { return received }
            var entry = pollfd(fd: rawDescriptor, events: Int16(POLLIN), revents: 0)
            let ready = clinux_poll(&entry, 1, UInt64.max)
            guard ready >= 0 else { throw endReceiving(ChannelError(.system(-ready), "waiting for a frame")) }
        }
    }

    private func endReceiving(_ failure: ChannelError) -> ChannelError {
        receiveFailure = failure
        decoder = FrameDecoder()
        luggage = DescriptorLuggage()
        return failure
    }

    private func nextFrame() throws(ChannelError) -> (Frame, [Descriptor])? {
        while true {
            if let frame = try decoder.next() {
                let descriptors = try luggage.claim(for: frame)
                return (frame, descriptors)
            }
            try luggage.check(nextFrameAt: decoder.nextOffset, isBegun: decoder.pendingByteCount > 0)
            guard try readOnce() else { return nil }
        }
    }

    /// Reads once into the decoder; false where nothing was there.
    private func readOnce() throws(ChannelError) -> Bool {
        var numbers = [CInt](repeating: -1, count: Int(CLINUX_DESCRIPTORS_MAX))
        var count = 0
        var received = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Self.chunkSize) { buffer, initialized in
            received = clinux_receive(rawDescriptor, buffer.baseAddress, buffer.count, &numbers, &count)
            initialized = max(received, 0)
        }
        let descriptors = numbers.prefix(count).map(Descriptor.init(owning:))
        if received > 0 {
            let end = receivedByteCount + UInt64(received)
            luggage.add(descriptors, range: receivedByteCount..<end)
            receivedByteCount = end
            decoder.feed(bytes)
            return true
        }
        if received == 0 {
            let isWhole = decoder.pendingByteCount == 0
            throw ChannelError(.closed, isWhole ? "reading a frame" : "reading a frame that was cut short")
        }
        switch CInt(-received) {
        case EAGAIN: return false
        case ECONNRESET: throw ChannelError(.closed, "reading a frame")
        case EMSGSIZE: throw ChannelError(.malformed, "reading a frame with more descriptors than fit")
        case let number: throw ChannelError(.system(number), "reading a frame")
        }
    }
}
